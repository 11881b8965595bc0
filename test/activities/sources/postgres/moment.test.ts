/** The moment of which rows and WAL are known: which place in the WAL shows what a snapshot showed, and what is left aside. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { backupConnection, checkConnection } from '../../../../activities/sources/postgres/connection.ts';
import { keyOf, tablesApart } from '../../../../activities/sources/postgres/moment/apart.ts';
import { digestDatabase, digestQuery } from '../../../../activities/sources/postgres/digests.ts';
import { openHolding } from '../../../../activities/sources/postgres/moment/hold.ts';
import { beginMark, endMark, type Mark } from '../../../../activities/sources/postgres/moment/mark.ts';
import { findPlace, type Seen } from '../../../../activities/sources/postgres/moment/place.ts';
import { parseSnapshot } from '../../../../activities/sources/postgres/moment/snapshot.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';

/** In version 18 records of WAL are printed by other code. */
for (const major of [15, 18]) {
  describe(`the moment of a PostgreSQL ${major} source`, () => {
    let server: TestPostgres;

    before(async () => {
      server = await startPostgres({ folder: await temporaryFolder(), major });
      await server.sql(`
        CREATE TABLE one (id int PRIMARY KEY, body text);
        ALTER TABLE one ALTER body SET STORAGE EXTERNAL;
        CREATE TABLE two (id int PRIMARY KEY);
        CREATE TABLE three (id int);
        CREATE TABLE long (id int)`);
    });
    after(async () => {
      await server?.stop('immediate');
      await cleanUp();
    });

    const noSecret = () => Promise.reject(new Error('there is none'));

    /** What happens between two marks, as the backup role makes them. */
    async function between(happen: () => Promise<void>): Promise<Mark> {
      const connection = await backupConnection(server.source(), noSecret);
      return withSession(connection, { application: 'test', signal: testWork().signal }, async (session) => {
        const begun = await beginMark(session);
        await happen();
        const restorePoint = `test ${begun.firstXid}`;
        return { ...begun, timeline: 1, restorePoint, end: await endMark(session, restorePoint) };
      });
    }

    async function xid(text: string): Promise<bigint> {
      const client = await server.client();
      await client.query('BEGIN');
      const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
      await client.query(text);
      await client.query('COMMIT');
      await client.end();
      return BigInt(rows[0]?.xid ?? '');
    }

    const folder = () => ({
      wal: path.join(server.data, 'pg_wal'),
      waldump: server.binaries,
      work: testWork(),
    });

    /** A snapshot of the database "postgres" that shows all but some. */
    async function seenWithout(...hidden: readonly bigint[]): Promise<Seen> {
      const [now] = await server.sql(`
        SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS xmax,
               (SELECT oid::text FROM pg_database WHERE datname = 'postgres') AS oid`);
      const xmax = String(now?.['xmax']);
      const snapshot = parseSnapshot(`${hidden[0] ?? xmax}:${xmax}:${hidden.join(',')}`);
      return new Map([['postgres', { oid: String(now?.['oid']), snapshot }]]);
    }

    /** Tables that are set aside, or why all are. */
    async function apart(mark: Mark, seen: Seen): Promise<string | readonly string[]> {
      const found = await findPlace(folder(), mark, seen);
      const { connection } = server.server();
      const inside = { application: 'test', database: 'postgres', signal: testWork().signal };
      return withSession(connection, inside, async (session) => {
        const result = await tablesApart(session, { ...found, seen }, 'postgres');
        return result.all ?? [...result.tables].toSorted((a, b) => a.localeCompare(b));
      });
    }

    const key = (name: string) => keyOf({ schema: 'public', name });

    it('is exact where the WAL up to a place has what the snapshot shows, and no more', async () => {
      let last = 0n;
      const mark = await between(async () => {
        await xid('INSERT INTO two VALUES (1)');
        last = await xid('INSERT INTO two VALUES (2)');
      });
      assert.deepEqual(await apart(mark, await seenWithout()), []);
      // What the snapshot does not show yet lies behind the place; this server, which went on, has it.
      const { place } = await findPlace(folder(), mark, await seenWithout(last));
      assert.deepEqual([...place.differing.values()], [[]]);
      assert.match(String(await apart(mark, await seenWithout(last))), /^1 transactions were committed before/);
    });

    it('sets aside the tables of a transaction that was committed before others that the snapshot shows: rows, long values, subtransactions', async () => {
      let hidden = 0n;
      const mark = await between(async () => {
        hidden = await xid(`
          INSERT INTO one SELECT 1, repeat('x', 10000);
          SAVEPOINT s; INSERT INTO two VALUES (3); RELEASE s`);
        // More than that one has written to: so the place is behind it, not before.
        for (let id = 0; id < 10; id += 1) await xid(`INSERT INTO three VALUES (${id})`);
      });
      assert.deepEqual(await apart(mark, await seenWithout(hidden)), [key('one'), key('two')]);
    });

    it('sets the whole database aside where definitions changed, or where a transaction began before', async () => {
      let hidden = 0n;
      const changed = await between(async () => {
        hidden = await xid('TRUNCATE three');
        await xid('ALTER TABLE two ADD COLUMN more int');
        await xid('ALTER TABLE two DROP COLUMN more');
      });
      assert.match(String(await apart(changed, await seenWithout(hidden))), /definitions were changed just then/);

      const client = await server.client();
      await client.query('BEGIN; INSERT INTO long VALUES (1)');
      const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
      const mark = await between(async () => {
        await client.query('COMMIT');
        await xid('ALTER TABLE two ADD COLUMN more int');
        await xid('ALTER TABLE two DROP COLUMN more');
      });
      await client.end();
      // It shows the others, and not the one that was committed before them.
      const seen = await seenWithout(BigInt(rows[0]?.xid ?? ''));
      assert.match(String(await apart(mark, seen)), /longer under way was committed just then/);
    });

    it('fails where the WAL does not reach up to the restore point', async () => {
      const mark = await between(async () => void (await xid('INSERT INTO three VALUES (7)')));
      const error = await isBackupError(
        findPlace(folder(), { ...mark, restorePoint: 'never made' }, await seenWithout()),
        'verification-failed',
      );
      assert.match(error.message, /rows cannot be compared/);
    });

    it('says of a table that was emptied meanwhile that it was not read, and reads one with a new column as it was: neither takes heed of snapshots', async () => {
      const checking = await checkConnection(server.source('socket', { check: {} }), noSecret);
      assert.ok(checking);
      const holding = await openHolding(checking, ['postgres'], testWork().signal);
      try {
        const [held] = await holding.retake();
        assert.ok(held);
        await server.sql('TRUNCATE two; ALTER TABLE three ADD COLUMN more int DEFAULT 5');
        const [before] = await server.sql(digestQuery('public', 'three', ['id']));
        const { tables, unread } = await digestDatabase(held.session, 'postgres', () => undefined);
        assert.deepEqual(
          unread.map(({ name, why }) => [name, why]),
          [['two', 'it was emptied or rewritten before it could be read']],
        );
        const three = tables.find(({ name }) => name === 'three');
        assert.deepEqual([String(three?.rows), three?.digest], [before?.['rows'], before?.['digest']]);
      } finally {
        await holding.close();
      }
    });
  });
}
