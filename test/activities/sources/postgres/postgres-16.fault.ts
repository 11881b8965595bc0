/** PostgreSQL 16 against the suite of all source types, and recovered to a point in time: in the long run only. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { describeSource } from '../conformance.ts';
import { capture, ship, SOURCE } from './backups.ts';
import { clockOf, recoverTo, rowsIn } from './recoveries.ts';
import { makeServer } from './server-source.ts';

const MAJOR = 16;

// No incrementals before 17, whatever the config says.
describeSource({ name: 'postgres 16', make: (folder) => makeServer(folder, { extension: 'vector', major: MAJOR }) });

describe('recovery of a PostgreSQL 16 source to a point in time', () => {
  let server: TestPostgres | undefined;

  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('P02 the row before it is there, the row after it is not; and P52 in an idle tail', async () => {
    const folder = await temporaryFolder();
    const running = await startPostgres({ folder, major: MAJOR, settings: { synchronous_commit: 'on' } });
    server = running;
    const { site } = await makeSite({ folder, sources: { [SOURCE]: running.config() } });
    const clock = () => clockOf(running);
    await running.sql('CREATE TABLE t (id int PRIMARY KEY)');
    await ship(site, '2026-11-23T01:55:00Z');
    assert.equal((await capture(site, '2026-11-23T02:00:00Z')).kind, 'full');
    await running.sql('INSERT INTO t VALUES (1)');
    const between = await clock();
    await running.sql('INSERT INTO t VALUES (2)');
    await ship(site, '2026-11-23T02:05:00Z');
    const idle = await clock();
    await ship(site, '2026-11-23T02:10:00Z');
    for (const [at, rows] of [
      [between, [1]],
      [idle, [1, 2]],
      ['end', [1, 2]],
    ] as const) {
      const to = path.join(folder, `restored-${rows.length}-${at === 'end' ? 'end' : 'time'}`);
      await recoverTo({ site, to, at });
      assert.deepEqual(await rowsIn(to, running.binaries.folder), rows);
    }
  });
});
