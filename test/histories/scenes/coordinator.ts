/** A run whose coordinator is away when it is to be planned, and again when it is to be signed: another host's worker goes on with it. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readGraph } from '../../../client/runs/graph.ts';
import { startRun } from '../../../client/runs/start.ts';
import type { GraphState } from '../../../model/graph.ts';
import { makeSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';
import type { Scene, Stage } from '../stage.ts';

export const coordinator: Scene = { name: 'coordinator', play };

async function play({ temporal, folder: newFolder, keep }: Stage): Promise<void> {
  const folder = await newFolder();
  const data = path.join(folder, 'data');
  await mkdir(data);
  await writeFile(path.join(data, 'file'), randomBytes(800_000));
  const own = { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') };
  const { file } = await makeSite({
    folder,
    site: 'prod',
    hosts: { near: {}, far: own },
    coordinator: 'near',
    sources: { stack: { type: 'files', host: 'far', paths: [data], limits: { maxRate: '200kB' } } },
    plans: { daily: { retryFirst: '100ms', retryMax: '500ms', heartbeat: '2s' } },
    temporal: { address: temporal.address },
  });
  const started: CommandProcess[] = [];
  async function worker(host: string): Promise<CommandProcess> {
    const one = startCommand({ args: ['-c', file, '--host', host, 'worker'], owner: folder });
    started.push(one);
    await one.printed('serves');
    return one;
  }
  try {
    await worker('far');
    const id = 'daily-2026-11-29T02:00:00Z';
    const asked = { site: 'prod', plan: 'daily', scheduled: id.slice('daily-'.length), sources: ['stack'] };
    const run = await startRun(temporal.client(), asked);
    // A worker that ends may take a task with it, which its server gives out again only after a while.
    const stands = (step: string, state: GraphState) =>
      until(
        `${step} is ${state}`,
        async () => {
          const graph = await readGraph(temporal.client(), id).catch(() => null);
          return graph?.steps.some((one) => one.id === step && one.state === state);
        },
        120_000,
      );
    await stands('plan', 'waiting');
    // What the client says of Temporal itself comes before the workflow has heard of it.
    await pause(8_000);
    const near = await worker('near');
    await stands('stack/capture', 'running');
    await near.end();
    await stands('recovery-point', 'waiting');
    await worker('near');
    await run.result();
    await keep({ type: 'dailyBackup', tells: 'coordinator-was-away', id });
  } finally {
    await Promise.all(started.filter((one) => one.running()).map((one) => one.end()));
  }
}
