/** Rows of a PostgreSQL source: read at a moment of which the WAL is known, and compared by recovering to that very moment. */
import assert from 'node:assert/strict';
import { copyFile, cp } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import type { Session } from '../../../../activities/sources/postgres/session.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import type { Site } from '../../../../activities/site.ts';
import { postgresEntry, type PostgresEntry } from '../../../../model/inventory.ts';
import type { Check } from '../../../../model/evidence.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { startWriters, type Writers } from '../../../support/writers.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture as captureAt, listed, onRestored, prove, reader, restoreTo, SOURCE } from './backups.ts';

const DATABASES = ['postgres', 'shop'];

describe('rows of a PostgreSQL source', () => {
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  let minute = 0;
  const writers: Writers[] = [];

  before(async () => {
    folder = await temporaryFolder();
    const settings = { max_prepared_transactions: '20', synchronous_commit: 'on', max_wal_size: '1GB' };
    server = await startPostgres({ folder, settings });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { check: {} }) } }));
    await server.sql('CREATE DATABASE shop');
    await server.sql(`
      CREATE TABLE few AS SELECT 1 AS one;
      CREATE TABLE still (id int PRIMARY KEY, body text);
      INSERT INTO still SELECT i, md5(i::text) FROM generate_series(1, 5000) AS i`);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function capture() {
    const captured = await captureAt(
      site,
      new Date(Date.UTC(2026, 2, 1, 2, minute++)).toISOString().replace('.000Z', 'Z'),
    );
    const backups = await listed(site);
    const backup = backups.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
    assert.ok(backup);
    return { ...captured, entry: backup };
  }

  let still: Catalogued | undefined;

  /** One backup of a server to which nobody writes. */
  async function quiet(): Promise<Catalogued> {
    still ??= (await capture()).entry;
    return still;
  }

  function proof(backup: Catalogued): Promise<ReadonlyMap<string, Check>> {
    return prove(site, backup, path.join(folder, `proof-${minute++}`));
  }

  /** A check of a folder that may be recovered further, by a reader of the backup. */
  async function checkRows(restored: string, backup: BackupReader, expendable = true): Promise<Check> {
    const scratch = await temporaryFolder();
    const checks = await postgres.check({
      source: SOURCE,
      work: testWork(),
      chain: [backup],
      restored,
      scratch,
      expendable,
    });
    const rows = checks.find(({ name }) => name === 'rows');
    assert.ok(rows);
    return rows;
  }

  async function restored(backup: Catalogued): Promise<string> {
    const data = path.join(folder, `restored-${minute++}`);
    await restoreTo(site, backup, data);
    return data;
  }

  function ask<Result>(data: string, use: (session: Session) => Promise<Result>): Promise<Result> {
    const settings = { archive_mode: 'off', autovacuum: 'off', max_prepared_transactions: '20' };
    return onRestored({ data, binaries: server.binaries.folder, settings }, use);
  }

  /** The reader of a backup, with other lines in its inventory. */
  function withInventory(whole: BackupReader, change: (entry: PostgresEntry) => PostgresEntry | null): BackupReader {
    return {
      ...whole,
      async *lines(role) {
        let first = true;
        for await (const line of whole.lines(role)) {
          const entry = first ? null : change(postgresEntry.parse(JSON.parse(line)));
          if (first) yield line;
          else if (entry) yield JSON.stringify(entry);
          first = false;
        }
      },
    };
  }

  it('P01 all rows of two databases are compared and equal, though writers never stop: subtransactions, prepared ones, rollbacks', async () => {
    for (const database of DATABASES) writers.push(await startWriters(server, database, 3));
    for (let turn = 0; turn < 2; turn += 1) {
      const before = writers.map(({ count }) => count());
      const { entry, warnings } = await capture();
      for (const [index, { count }] of writers.entries()) assert.ok(count() > (before[index] ?? 0) + 20);
      assert.deepEqual(warnings, []);
      const checks = await proof(entry);
      for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
      assert.match(checks.get('rows')?.detail ?? '', /^8 tables with \d+ rows are equal$/);
    }
  });

  afterEach(async () => {
    for (const each of writers.splice(0)) await each.stop();
  });

  it('fails for one row that is another in what was restored', async () => {
    const entry = await quiet();
    const whole = await reader(site, entry);
    const data = await restored(entry);
    const twin = path.join(folder, 'twin');
    await cp(data, twin, { recursive: true, preserveTimestamps: true });
    const [place] = await ask(twin, async (session) => {
      await session.run("UPDATE public.still SET body = 'other' WHERE id = 7");
      // Frozen, its rows are seen by whoever reads the file: no list of transactions is asked.
      await session.run('VACUUM (FREEZE) public.still');
      return session.rows(z.object({ file: z.string() }), "SELECT pg_relation_filepath('public.still') AS file");
    });
    assert.ok(place);
    await copyFile(path.join(twin, place.file), path.join(data, place.file));
    const rows = await checkRows(data, whole);
    assert.deepEqual([rows.compared, rows.ok], [true, false]);
    assert.match(rows.detail, /^1 tables differ: postgres\.public\.still \(same number of rows, other content\)/);
  });

  it('fails for a row that is lost, and for a table that is', async () => {
    const entry = await quiet();
    const changed = withInventory(await reader(site, entry), (each) => {
      if (each.entry !== 'rows') return each;
      if (each.name === 'still') return { ...each, rows: each.rows + 1 };
      return each.name === 'few' ? { ...each, name: 'gone' } : each;
    });
    const rows = await checkRows(await restored(entry), changed);
    assert.deepEqual([rows.compared, rows.ok], [true, false]);
    assert.match(rows.detail, /^2 tables differ: postgres\.public\.gone \(not there\), /);
    assert.match(rows.detail, /postgres\.public\.still \(5000 rows, 5001 in the source\)/);
  });

  it('says that rows are not compared where the folder must stay as it is, or was started before', async () => {
    const entry = await quiet();
    const whole = await reader(site, entry);
    const data = await restored(entry);
    const kept = await checkRows(data, whole, false);
    assert.deepEqual([kept.compared, kept.ok], [false, false]);
    assert.match(kept.detail, /this folder stays as it is/);
    const started = await checkRows(data, whole);
    assert.deepEqual([started.compared, started.ok], [false, false]);
    assert.match(started.detail, /the folder was started or recovered before/);
  });

  it('does not compare a database of which a transaction was committed in the WAL before the snapshot showed it', async () => {
    await server.sql('CREATE TABLE waits (id int)', 'shop');
    const client = await server.client('shop');
    await server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await server.sql('SELECT pg_reload_conf()');
    try {
      const [own] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
      const waits = async (): Promise<boolean> => {
        const [state] = await server.sql(`SELECT wait_event FROM pg_stat_activity WHERE pid = ${own?.pid}`);
        return state?.['wait_event'] === 'SyncRep';
      };
      // Its commit record is written and flushed, and it waits for a standby: nobody sees it yet. The checkpointer
      // takes up the setting when it comes to it: what is committed before waits for nobody, and the next one is tried.
      let committing: Promise<unknown> | undefined;
      await until('a commit that waits', async () => {
        committing ??= client.query('INSERT INTO waits VALUES (1)').finally(() => (committing = undefined));
        return waits();
      });
      const { entry } = await capture();
      await server.sql(`SELECT pg_cancel_backend(${own?.pid})`);
      await committing;
      const rows = (await proof(entry)).get('rows');
      assert.deepEqual([rows?.compared, rows?.ok], [false, false], rows?.detail);
      assert.match(
        rows?.detail ?? '',
        /all \d of shop: 1 transactions were committed before their snapshot showed them/,
      );
    } finally {
      await client.end();
      await server.sql('ALTER SYSTEM RESET synchronous_standby_names');
      await server.sql('SELECT pg_reload_conf()');
    }
  });

  it('says why rows are not compared where the backup role may not make restore points', async () => {
    await server.sql('REVOKE EXECUTE ON FUNCTION pg_create_restore_point(text) FROM mosaic_backup');
    try {
      const { entry, warnings } = await capture();
      assert.match(warnings.join('\n'), /may not make restore points: run infra\/roles\/postgres\.sql/);
      const rows = (await proof(entry)).get('rows');
      assert.deepEqual([rows?.compared, rows?.ok], [false, false]);
      assert.match(rows?.detail ?? '', /may not make restore points/);
    } finally {
      await server.sql('GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO mosaic_backup');
    }
  });
});
