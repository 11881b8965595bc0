/** A worker whose clock is another than its server's, or is set back. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { planRecovery } from '../../../activities/operations/recovery.ts';
import { listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../support/mariadb.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { scheduledTimes } from '../../support/scheduled.ts';

const CHILD = new URL('./clocks-child.ts', import.meta.url).pathname;
/** Servers of which the logs are shipped: a MariaDB and a PostgreSQL. */
type Engine = 'shop' | 'db';

const status = z.looseObject({
  sources: z.array(
    z.looseObject({ source: z.string(), logs: z.looseObject({ lag: z.number().nullable() }).nullable() }),
  ),
});

describe('a worker and a server whose clocks disagree', function () {
  this.timeout(120_000);
  let folder: string;
  let shop: TestMariadb;
  let db: TestPostgres;
  const scheduled = scheduledTimes();
  let sites = 0;

  before(async () => {
    folder = await temporaryFolder();
    const folders = { shop: path.join(folder, 'shop'), db: path.join(folder, 'db') };
    for (const each of Object.values(folders)) await mkdir(each);
    [shop, db] = await Promise.all([
      startMariadb({ folder: folders.shop }),
      startPostgres({ folder: folders.db, settings: { max_slot_wal_keep_size: '1GB' } }),
    ]);
    await shop.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id INT)');
    await db.sql('CREATE TABLE t (id int)');
  });
  after(async () => {
    await Promise.all([shop?.stop('immediate'), db?.stop()]);
    await cleanUp();
  });

  const apart = [
    ['shop', '-2h'],
    ['shop', '+2h'],
    ['db', '-2h'],
  ] as const;
  for (const [engine, offset] of apart) {
    it(`P04 a full ends by the server's clock, and the lag of its logs is counted by the worker's alone (${engine}, worker at ${offset})`, async () => {
      const site = await ownSite(engine);
      await commit(engine);
      // Before the full by the server's clock; behind it by that of a worker who is late.
      const early = await serverTime(engine);
      await pause(1100);
      await step(site, offset, 'capture', engine);
      await commit(engine);
      await pause(1100);
      const later = await serverTime(engine);
      await commit(engine);
      await step(site, offset, 'ship', engine);
      const catalogue = await listed(site);
      const plan = (target: RestoreTarget) => planRecovery({ catalogue, source: engine, target });
      assert.throws(() => plan({ kind: 'time', time: early }), { code: 'refused' });
      assert.equal(plan({ kind: 'time', time: later }).logs.length, 1);
      const command = ['-f', offset, LAUNCHER, '-c', site.file, '--json', 'status'];
      const { stdout } = await execa('faketime', command, { reject: false });
      const lag = status.parse(JSON.parse(stdout)).sources[0]?.logs?.lag ?? Number.NaN;
      assert.ok(lag > 0 && lag < 10 * 60_000, `${lag} ms`);
    });
  }

  for (const engine of ['shop', 'db'] as const) {
    it(`P51 what is shipped after the worker's clock was set back follows what was shipped before (${engine})`, async () => {
      const site = await ownSite(engine);
      await step(site, '+0', 'capture', engine);
      for (const offset of ['+2h', '+0', '+0']) {
        await commit(engine);
        await step(site, offset, 'ship', engine);
      }
      const catalogue = await listed(site);
      const logs = catalogue.filter(({ manifest }) => manifest.kind === 'logs').map(({ manifest }) => manifest);
      assert.deepEqual(
        logs.flatMap(({ warnings }) => warnings),
        [],
        'no hole is told of where there is none',
      );
      const plan = planRecovery({ catalogue, source: engine, target: { kind: 'end' } });
      assert.equal(plan.logs.length, 3, 'all that was committed is reached');
    });
  }

  for (const engine of ['shop', 'db'] as const) {
    it(`P51 what is shipped after the worker's clock was set back leads on from a full before that (${engine})`, async () => {
      const site = await ownSite(engine);
      await step(site, '+2h', 'capture', engine);
      for (let shipped = 0; shipped < 2; shipped++) {
        await commit(engine);
        await step(site, '+0', 'ship', engine);
      }
      const plan = planRecovery({ catalogue: await listed(site), source: engine, target: { kind: 'end' } });
      assert.equal(plan.logs.length, 2);
      // It began two hours before the other by these clocks, and is the newest all the same.
      await step(site, '+0', 'capture', engine);
      await commit(engine);
      await step(site, '+0', 'ship', engine);
      const next = planRecovery({ catalogue: await listed(site), source: engine, target: { kind: 'end' } });
      assert.equal(next.logs.length, 1);
      assert.notEqual(next.chain.at(-1)?.name.id, plan.chain.at(-1)?.name.id);
    });
  }

  async function ownSite(engine: Engine): Promise<TestSite> {
    // Slots bear the name of the site.
    const name = `test${sites++}`;
    const own = path.join(folder, name);
    await mkdir(own);
    const sources = { [engine]: engine === 'shop' ? shop.config() : db.config() };
    return makeSite({ folder: own, site: name, sources });
  }

  /** By a clock that is so much ahead. */
  async function step({ file }: TestSite, offset: string, what: 'capture' | 'ship', engine: Engine): Promise<void> {
    await execa('faketime', ['-f', offset, process.execPath, CHILD, file, what, engine, scheduled()]);
  }

  async function commit(engine: Engine): Promise<void> {
    if (engine === 'shop') await shop.sql('INSERT INTO shop.t VALUES (1)');
    else await db.sql('INSERT INTO t VALUES (1)');
  }

  async function serverTime(engine: Engine): Promise<string> {
    if (engine === 'shop')
      return (await shop.sql(`SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%SZ')`))[0] ?? '';
    const [row] = await db.sql(`SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS time`);
    return String(row?.['time']);
  }
});

function listed({ site }: TestSite): Promise<readonly Catalogued[]> {
  return listBackups(repositoryStore(site.repository));
}
