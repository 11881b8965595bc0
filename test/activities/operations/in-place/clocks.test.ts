/** A worker whose clock was ahead, and is right again when a restore in place is made. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { execa } from 'execa';
import type { SiteInput } from '../../../../model/config/site.ts';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged as startMariadb } from '../../../support/managed-mariadb.ts';
import { startManaged as startPostgres } from '../../../support/managed-postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { onRestored } from '../../sources/mariadb/backups.ts';
import { listed, ship, SOURCE } from '../../sources/postgres/backups.ts';
import { insertRow, recoverTo, rowsIn } from '../../sources/postgres/recoveries.ts';
import { inPlace } from './requests.ts';

const CHILD = new URL('../clocks-child.ts', import.meta.url).pathname;

/** A server, as this test needs it. */
interface Engine {
  readonly config: SiteInput['sources'][string];
  /** Inserts a row, and says the place behind it. */
  insert(id: number): Promise<string>;
  rows(): Promise<readonly number[]>;
  /** Those of a restored folder. */
  rowsIn(data: string): Promise<readonly number[]>;
  end(): Promise<void>;
}

const ENGINES = { postgres, mariadb } as const;

describe('a restore in place after the worker’s clock was set back', function () {
  this.timeout(240_000);
  after(cleanUp);

  for (const name of ['postgres', 'mariadb'] as const) {
    it(`P51 and P54 the end of the logs is that of the history behind it, also for the next restore (${name})`, async () => {
      const folder = await temporaryFolder();
      const server = await ENGINES[name](folder);
      const scheduled = scheduledTimes();
      try {
        const { site, file } = await makeSite({ folder, sources: { [SOURCE]: server.config } });
        const ahead = (step: 'capture' | 'ship') =>
          execa('faketime', ['-f', '+2h', process.execPath, CHILD, file, step, SOURCE, scheduled()]);
        await ahead('ship');
        await ahead('capture');
        const one = await server.insert(1);
        await ahead('ship');
        await server.insert(2);
        await ahead('ship');

        await inPlace(site, { at: one });
        assert.deepEqual(await server.rows(), [1]);
        await server.insert(11);
        assert.equal((await ship(site, scheduled()))?.gap, null, 'it follows what was shipped behind the restore');
        await server.insert(12);
        assert.equal((await ship(site, scheduled()))?.gap, null);

        const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: { kind: 'end' } });
        assert.equal(plan.passed, null);
        const to = path.join(folder, 'restored');
        await recoverTo({ site, to, at: 'end' });
        assert.deepEqual(await server.rowsIn(to), [1, 11, 12]);
        await inPlace(site, { at: 'end' });
        assert.deepEqual(await server.rows(), [1, 11, 12]);
      } finally {
        await server.end();
      }
    });
  }
});

async function postgres(folder: string): Promise<Engine> {
  const server = await startPostgres({ folder });
  await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  return {
    config: server.config(),
    insert: (id) => insertRow(server, id),
    rows: async () => (await server.sql('SELECT id FROM t ORDER BY id')).map(({ id }) => Number(id)),
    rowsIn: (data) => rowsIn(data, server.binaries.folder, true),
    end: () => server.end(),
  };
}

async function mariadb(folder: string): Promise<Engine> {
  const server = await startMariadb(folder);
  const ids = 'SELECT id FROM t.t ORDER BY id';
  await server.sql('CREATE DATABASE t; CREATE TABLE t.t (id int PRIMARY KEY)');
  return {
    config: server.config(),
    async insert(id) {
      await server.sql(`INSERT INTO t.t VALUES (${id})`);
      return (await server.sql('SELECT @@GLOBAL.gtid_binlog_pos'))[0] ?? '';
    },
    rows: async () => (await server.sql(ids)).map(Number),
    rowsIn: (data) =>
      onRestored(data, async (connection) => (await run(connection, ids, { signal: testWork().signal })).map(Number)),
    end: () => server.end(),
  };
}
