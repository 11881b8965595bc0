/** Plans beside the daily: the weekly, one of the config's own; and a run of a schedule that sleeps until its phase. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openSession, runRestoreTest, runWeekly } from '../../support/session.ts';
import { makeSite } from '../../support/site.ts';
import { timedRun } from '../../support/timed-run.ts';
import { restoreRunId, startPoint, startRestore } from '../../../client/restore/run.ts';
import { listBackups, pinned } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { startRun } from '../../../client/runs/start.ts';
import type { Scene, Stage } from '../stage.ts';

export const timed: Scene = { name: 'timed', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const data = path.join(folder, 'stack');
  await mkdir(data);
  await writeFile(path.join(data, 'file'), 'of a stack');
  const run = timedRun('prod', 20_000);
  const { file, site } = await makeSite({
    folder,
    site: 'prod',
    hosts: { stack1: {} },
    sources: { stack: { type: 'files', paths: [data] } },
    plans: { daily: run.plan, custom: { noon: { at: '12:00', sources: ['stack'] } } },
    temporal: { address: temporal.address },
  });
  const session = await openSession(file);
  const { workflow } = session.client;
  try {
    const args = [{ site: 'prod', plan: 'daily' }];
    const sleeping = workflow.execute('dailyBackup', { workflowId: run.id, taskQueue: 'prod', args });
    const weekly = '2026-11-22T01:00:00Z';
    await runWeekly({ session, site: 'prod', scheduled: weekly });
    const noon = '2026-11-22T12:00:00Z';
    await (await startRun(session.client, { site: 'prod', plan: 'noon', scheduled: noon })).result();
    const proof = '2026-12-13T08:00:00Z';
    await runRestoreTest({ session, site: 'prod', scheduled: proof, sources: ['stack'] });
    const [newest] = await listBackups(repositoryStore(site.repository));
    if (!newest) throw new Error('no backup');
    const { reference, sha256 } = pinned(newest.manifest);
    const of = { site: 'prod', host: 'stack1', source: 'stack', place: null, target: null, paths: [] };
    const restore = { ...of, backup: { reference, sha256 }, to: path.join(folder, 'restored') };
    await (await startRestore(session.client, site.config, restore)).result();
    const whole = { site: 'prod', host: 'stack1', point: `weekly-${weekly}`, created: weekly };
    const sources = [{ source: 'stack', backup: { reference, sha256 }, after: [], places: ['repository'], bytes: 0 }];
    const point = { ...whole, to: path.join(folder, 'whole'), sources };
    await (await startPoint(session.client, site.config, point, { beside: 2, once: true })).result();
    await sleeping;
    await keep({ type: 'dailyBackup', tells: 'phase-slept', id: run.id });
    await keep({ type: 'weeklyBackup', tells: 'complete', id: `weekly-${weekly}` });
    await keep({ type: 'customPlan', tells: 'complete', id: `noon-${noon}` });
    await keep({ type: 'restoreTest', tells: 'complete', id: `restore-test-${proof}` });
    await keep({ type: 'restoreBackup', tells: 'complete', id: restoreRunId(restore) });
    await keep({ type: 'restorePoint', tells: 'complete', id: restoreRunId(point) });
    await keep({ type: 'testSource', tells: 'complete', id: `restore-test-${proof}/stack` });
  } finally {
    await session.close();
  }
}
