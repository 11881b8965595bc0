import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../activities/keys/site-keys.ts';
import { listBackups, type Catalogued } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { startRun } from '../../client/runs/start.ts';
import { writeBackup } from '../support/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { killedWorkers, type KilledWorkers } from '../support/killed-workers.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { atPoint, type SignalPoint } from '../support/worker-process.ts';

describe('catchUp, its worker killed in the middle of a copy', () => {
  let workers: KilledWorkers;
  let folder: string;
  let test: TestSite;
  const scheduled = scheduledTimes();
  const made: Catalogued[] = [];

  before(async () => {
    folder = await temporaryFolder();
    workers = await killedWorkers(folder);
    test = await makeSite({
      folder,
      // Fixed days: nothing of them is over.
      retention: { prune: false },
      sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
      plans: { catchUp: { workerDeadline: '60s', retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: workers.temporal.address },
    });
  });

  after(async () => {
    await workers?.stop();
    await cleanUp();
  });

  const points = [
    // Of two artifacts the second: the first is there, and no manifest.
    { at: 'activities/storage/put-file.ts#putFile', nth: 2 },
    { at: 'activities/operations/copy.ts#copyBackup', when: 'left' },
  ] satisfies readonly SignalPoint[];
  for (const [day, point] of points.entries()) {
    it(`P49 the same run goes on, and each backup is there once and whole (${point.at})`, async () => {
      made.push(
        await writeBackup(test.site.repository, {
          source: 'stack',
          group: 'apps',
          scheduled: `2026-11-2${day}T02:00:00Z`,
          artifacts: { 'a.age': randomBytes(200_000), 'b.age': randomBytes(200_000) },
          fields: { host: test.site.host },
          signer: await siteSigner(test.site),
        }),
      );
      const reached = path.join(folder, `reached-${day}`);
      const dying = await workers.worker(test.file, { point, reached });
      const run = await startRun(workers.temporal.client(), { site: 'test', plan: 'catch-up', scheduled: scheduled() });
      await atPoint(dying, point, reached);
      const living = await workers.worker(test.file);
      const { outcome, destinations } = await run.result();
      assert.equal(outcome, 'complete', JSON.stringify(destinations));
      assert.deepEqual(
        destinations?.map(({ state }) => state),
        ['served'],
      );
      await assertWhole();
      await living.end();
    });
  }

  async function assertWhole(): Promise<void> {
    const vault = path.join(folder, 'vault');
    const there = await listBackups(directoryStore(vault));
    assert.deepEqual(
      there.map((backup) => backup.folder),
      made.map((backup) => backup.folder),
    );
    for (const backup of made) {
      for (const { name } of backup.manifest.artifacts) {
        const [here, copy] = await Promise.all(
          [test.site.repository, vault].map((root) => readFile(path.join(root, backup.folder, name))),
        );
        assert.ok(copy && here?.equals(copy), name);
      }
    }
  }
});
