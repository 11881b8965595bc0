/** A run whose worker dies in the middle of a capture: another one does that again, and goes on. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startRun } from '../../../client/runs/start.ts';
import { makeSite } from '../../support/site.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../../support/worker-process.ts';
import type { Scene, Stage } from '../stage.ts';

export const killed: Scene = { name: 'killed', play };

const POINT: SignalPoint = { at: 'activities/operations/capture.ts#captureBackup' };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const data = path.join(folder, 'data');
  await mkdir(data);
  await writeFile(path.join(data, 'file'), 'of a stack');
  const { file } = await makeSite({
    folder,
    site: 'prod',
    hosts: { stack1: {} },
    sources: { stack: { type: 'files', paths: [data] } },
    plans: { daily: { retryFirst: '100ms', retryMax: '500ms', heartbeat: '2s' } },
    temporal: { address: temporal.address },
  });
  const started: CommandProcess[] = [];
  const reached = path.join(folder, 'reached');
  async function worker(at: { readonly point?: SignalPoint; readonly reached?: string }): Promise<CommandProcess> {
    const one = startCommand({ args: ['-c', file, 'worker'], owner: folder, ...at });
    started.push(one);
    await one.printed('serves');
    return one;
  }
  try {
    const dying = await worker({ point: POINT, reached });
    const run = await startRun(temporal.client(), { site: 'prod', plan: 'daily', scheduled: '2026-11-27T02:00:00Z' });
    await atPoint(dying, POINT, reached);
    await worker({});
    await run.result();
    await keep({ type: 'backupSource', tells: 'worker-was-killed', id: 'daily-2026-11-27T02:00:00Z/stack' });
  } finally {
    await Promise.all(started.filter((one) => one.running()).map((one) => one.end()));
  }
}
