import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { captureNow } from '../../sources/served.ts';
import { withinOf } from './proving.ts';

const SOURCE = 'cache';

describe('a restore test of append-only files', function () {
  this.timeout(120_000);
  let server: TestRedis | undefined;

  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  for (const timed of [true, false])
    it(`${timed ? 'that bear times recovers' : 'without times recovers not'} to a moment within them`, async () => {
      const folder = await temporaryFolder();
      await server?.stop();
      const settings = { appendonly: 'yes', 'aof-timestamp-enabled': timed ? 'yes' : 'no' } as const;
      server = await startRedis({ folder, settings });
      const { site } = await makeSite({ folder, sources: { [SOURCE]: server.config('aof') } });
      const began = Date.now();
      for (const value of ['1', '2', '3']) {
        await server.run('SET', 'key', value);
        await pause(1_100);
      }
      await captureNow(site, '2026-11-20T02:00:00Z');
      const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
      const { at } = choice;
      assert.equal(at !== null, timed);
      if (at !== null) assert.ok(began - 1_000 <= Date.parse(at) && Date.parse(at) <= Date.now(), at);
      const { compared, notCompared } = await proveTest({
        site,
        source: SOURCE,
        choice,
        within: withinOf(folder),
        work: testWork(),
      });
      assert.equal(compared.includes('point in time'), timed, notCompared.join());
      assert.ok(compared.includes('databases'), compared.join());
      assert.deepEqual(await readdir(withinOf(folder)), []);
    });
});
