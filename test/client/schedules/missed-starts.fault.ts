/** Temporal is down over several times of a schedule: what it starts when it is back. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { existingSchedules } from '../../../client/schedules/existing.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { temporalOfTests } from '../../support/temporal-process.ts';
import { until } from '../../support/until.ts';

/** Milliseconds: a short one, of which half, what is made up, is enough for a server to come up. */
const EVERY = 30_000;
/** Milliseconds in which the schedules are there, and Temporal is down again. */
const SOON = 14_000;
const ID = 'mosaic-backup/test/catch-up';

describe('starts that were missed', function () {
  this.timeout(120_000);
  const running = temporalOfTests();

  it('P49 are made up by exactly one run, of the latest time: the oldest would stand for a time that is long over', async () => {
    const temporal = running();
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'what is backed up');
    const off = { enabled: false };
    const { file } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [data] } },
      plans: { daily: off, weekly: off, monthly: off, restoreTest: off, drill: off, catchUp: { every: '30s' } },
      temporal: { address: temporal.address },
    });
    // None is due before Temporal is down.
    if (nextTick() - Date.now() < SOON) await pause(nextTick() - Date.now());
    const first = nextTick();
    const second = first + EVERY;
    const applied = await mosaicHere(['-c', file, 'schedules', 'apply']);
    assert.equal(applied.code, 0, applied.stderr);
    // What it was in the middle of it would take up only when its own patience with that is over.
    await pause(3_000);
    await temporal.kill();
    assert.ok(Date.now() < first, 'it was killed before any time came');
    await pause(second + 500 - Date.now());
    await temporal.start();
    const started = async () => {
      const ids: string[] = [];
      for await (const { workflowId } of temporal.client().workflow.list({ query: `WorkflowType = 'catchUp'` }))
        ids.push(workflowId);
      return ids;
    };
    await until('one is started', async () => (await started()).length > 0);
    assert.deepEqual(await started(), [`catch-up-${wholeSeconds(second)}`]);
    // That of the older time is counted, for the watchdog; it is started at no later time either.
    const seen = await until('the older one is counted', async () => {
      const [one] = await existingSchedules(temporal.client(), 'test', [ID]);
      return one && one.missed > 0 && one;
    });
    assert.deepEqual([seen.id, seen.taken, seen.missed], [ID, 1, 1]);
    assert.equal((await started()).length, 1);
  });
});

function nextTick(): number {
  return (Math.floor(Date.now() / EVERY) + 1) * EVERY;
}
