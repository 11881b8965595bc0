import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startRun } from '../../client/runs/start.ts';
import { scratchOf } from '../../activities/operations/scratch-place.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { killedWorkers, type KilledWorkers } from '../support/killed-workers.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { atPoint, type SignalPoint } from '../support/worker-process.ts';

describe('restoreTest, its worker killed in the middle', function () {
  this.timeout(120_000);
  let workers: KilledWorkers;
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    workers = await killedWorkers(folder);
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), randomBytes(200_000));
    test = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [data] } },
      plans: { restoreTest: { retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: workers.temporal.address },
    });
    const first = await workers.worker(test.file);
    const run = await startRun(workers.temporal.client(), {
      site: 'test',
      plan: 'daily',
      scheduled: '2026-11-20T02:00:00Z',
      sources: ['wiki'],
    });
    assert.equal((await run.result()).outcome, 'complete');
    await first.end();
  });

  after(async () => {
    await workers?.stop();
    await cleanUp();
  });

  it('P49 the same test goes on, wherever it is killed, and leaves no plaintext behind', async () => {
    // Restored, with plaintext in scratch, and not checked.
    const restored: SignalPoint = { at: 'activities/sources/files/compare.ts#compareTree' };
    // The verdict is on record, and nobody knows.
    const recorded: SignalPoint = { at: 'activities/storage/evidence-file.ts#writeEvidence', when: 'left' };
    const dies = (point: SignalPoint) => ({ point, reached: path.join(folder, path.basename(point.at)) });
    const first = await workers.worker(test.file, dies(restored));
    const run = await startRun(workers.temporal.client(), {
      site: 'test',
      plan: 'restore-test',
      scheduled: '2026-11-22T00:00:00Z',
      sources: ['wiki'],
    });
    await atPoint(first, restored, dies(restored).reached);
    const scratch = scratchOf(test.site, 'restore-tests');
    const left = await readdir(scratch);
    assert.equal(left.length, 1, 'it was at work');
    const second = await workers.worker(test.file, dies(recorded));
    await until('its plaintext is gone', async () => (await readdir(scratch)).every((name) => !left.includes(name)));
    await atPoint(second, recorded, dies(recorded).reached);
    const living = await workers.worker(test.file);
    const { outcome, tests } = await run.result();
    assert.equal(outcome, 'complete', JSON.stringify(tests));
    assert.deepEqual(await readdir(scratch), []);
    await living.end();
  });
});
