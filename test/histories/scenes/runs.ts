/** Runs of the plans: with steps that wait, are tried again and skipped, hooks, a host that is away, a turn, a cancellation. */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../activities/config/load.ts';
import { readGraph } from '../../../client/runs/graph.ts';
import { startRun } from '../../../client/runs/start.ts';
import { ofClient } from '../../../client/cli/of-client.ts';
import { startWorker, type RunningWorker } from '../../../workers/worker.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { startWebhook, type Webhook } from '../../support/webhook.ts';
import { testWork } from '../../support/work.ts';
import type { Scene, Stage } from '../stage.ts';

const WAITS = {
  captureDeadline: '20m',
  copyDeadline: '20m',
  verifyDeadline: '20m',
  retryFirst: '10m',
  retryMax: '10m',
};

export const runs: Scene = { name: 'runs', play: withSite(playRuns) };

interface Played {
  readonly stage: Stage;
  readonly folder: string;
  /** Starts a run of these sources; says its id. */
  readonly start: (plan: string, scheduled: string, sources: readonly string[]) => Promise<string>;
  /** Waits until a step of a run is in this state. */
  readonly is: (run: string, step: string, state: string) => Promise<void>;
  readonly ended: (run: string) => Promise<void>;
  readonly decide: (what: 'retry' | 'skip', run: string, step: string) => Promise<unknown>;
  readonly worker: (host: string) => Promise<RunningWorker>;
}

async function playRuns({ stage, folder, start, is, ended, decide, worker }: Played): Promise<void> {
  const { keep } = stage;
  const all = ['wiki', 'late', 'moved', 'stack', 'far'];
  const waiting = await start('daily', '2026-11-23T02:00:00Z', all);
  for (const step of ['late/capture', 'moved/capture', 'far/capture']) await is(waiting, step, 'waiting');
  const next = await start('daily', '2026-11-23T02:30:00Z', ['slow']);
  await is(next, 'plan', 'waiting');
  // Tried again in vain: whoever is to know is told that it waits.
  await decide('retry', waiting, 'late/capture');
  await until('it was tried again', async () =>
    (await readGraph(stage.temporal.client(), waiting))?.steps.some(
      ({ id, attempts, state }) => id === 'late/capture' && attempts === 2 && state === 'waiting',
    ),
  );
  await rename(data(folder, 'late-away'), data(folder, 'late'));
  await decide('retry', waiting, 'late/capture');
  await is(waiting, 'late/verify', 'done');
  await decide('skip', waiting, 'moved/capture');
  const proof = await start('restore-test', '2026-11-23T08:00:00Z', ['far']);
  await is(proof, 'far/choose', 'waiting');
  await stage.temporal.client().workflow.getHandle(proof).cancel();
  await ended(proof);
  await worker('stack2');
  await ended(waiting);
  await is(next, 'slow/capture', 'running');
  await stage.temporal.client().workflow.getHandle(next).cancel();
  await ended(next);
  await keep({ type: 'planTurn', tells: 'waited-for', id: 'turn/prod/daily' });
  await keep({ type: 'restoreTest', tells: 'cancelled', id: proof });

  await rename(data(folder, 'moved-away'), data(folder, 'moved'));
  const whole = await start('daily', '2026-11-24T02:00:00Z', all);
  await ended(whole);
  await writeFile(path.join(folder, 'quiesce.status'), '75');
  const vault = path.join(folder, 'vault');
  await rename(vault, `${vault}.away`);
  const skipped = await start('daily', '2026-11-25T02:00:00Z', ['wiki', 'stack']);
  await is(skipped, 'stack/copy/vault', 'waiting');
  await decide('skip', skipped, 'stack/copy/vault');
  await ended(skipped);
  await rename(`${vault}.away`, vault);
  const monthly = await start('monthly', '2026-11-26T06:00:00Z', ['stack', 'far']);
  await ended(monthly);

  const daily = { type: 'dailyBackup' };
  await keep({ ...daily, tells: 'steps-waited', id: waiting });
  await keep({ ...daily, tells: 'waited-its-turn-and-cancelled', id: next });
  await keep({ ...daily, tells: 'complete', id: whole });
  await keep({ ...daily, tells: 'soft-skip-and-partial', id: skipped });
  const source = { type: 'backupSource' };
  await keep({ ...source, tells: 'retried', id: `${waiting}/late` });
  await keep({ ...source, tells: 'skipped-by-an-operator', id: `${waiting}/moved` });
  await keep({ ...source, tells: 'host-was-away', id: `${waiting}/far` });
  await keep({ ...source, tells: 'cancelled', id: `${next}/slow` });
  await keep({ ...source, tells: 'hooks', id: `${whole}/wiki` });
  await keep({ ...source, tells: 'soft-skip', id: `${skipped}/wiki` });
  await keep({ ...source, tells: 'copy-skipped', id: `${skipped}/stack` });
  await keep({ type: 'monthlyArchive', tells: 'complete', id: monthly });
}

function withSite(play: (played: Played) => Promise<void>) {
  return async (stage: Stage): Promise<void> => {
    const folder = await stage.folder();
    const hook = await startWebhook();
    const made = await prod(folder, stage, hook);
    const client = stage.temporal.client();
    const workers: RunningWorker[] = [];
    const handle = (id: string) => client.workflow.getHandle(id);
    async function worker(host: string): Promise<RunningWorker> {
      const openSite = () => loadSite({ file: made.file, env: { ...process.env, MOSAIC_BACKUP_HOST: host } });
      const connection = { address: stage.temporal.address };
      const started = await startWorker({
        connection,
        namespace: 'default',
        openSite,
        ...ofClient,
        log: testWork().log,
      });
      workers.push(started);
      return started;
    }
    try {
      await worker('stack1');
      await play({
        stage,
        folder,
        worker,
        async start(plan, scheduled, sources) {
          await startRun(client, { site: 'prod', plan, scheduled, sources });
          return `${plan}-${scheduled}`;
        },
        async is(run, step, state) {
          await until(`${step} of ${run} is ${state}`, async () => {
            const graph = await readGraph(client, run).catch(() => undefined);
            return graph?.steps.some((one) => one.id === step && one.state === state);
          });
        },
        async ended(run) {
          await until(`the end of ${run}`, async () => (await handle(run).describe()).status.name !== 'RUNNING');
        },
        // The run hears of it a moment after its source.
        decide: (what, run, step) =>
          until(`${what} ${step}`, () =>
            handle(run)
              .executeUpdate<string, [unknown]>(what, { args: [{ step, reason: 'it was moved' }] })
              .catch(() => undefined),
          ),
      });
    } finally {
      await Promise.all(workers.map((one) => one.stop()));
      await hook.stop();
    }
  };
}

async function prod(folder: string, stage: Stage, hook: Webhook): Promise<TestSite> {
  for (const name of ['wiki', 'late-away', 'moved-away', 'stack', 'far']) await fill(data(folder, name), 1);
  await fill(data(folder, 'slow'), 60);
  const program = path.join(folder, 'hook');
  await writeFile(program, `#!/bin/sh\n[ ! -f ${folder}/$1.status ] || exit $(cat ${folder}/$1.status)\n`);
  await chmod(program, 0o755);
  const run = (name: string) => [{ command: [program, name] }];
  const files = (name: string, host = 'stack1') => ({ type: 'files' as const, host, paths: [data(folder, name)] });
  return makeSite({
    folder,
    site: 'prod',
    hosts: {
      stack1: {},
      stack2: { repository: path.join(folder, 'stack2/repository'), state: path.join(folder, 'stack2/state') },
    },
    coordinator: 'stack1',
    sources: {
      wiki: { ...files('wiki'), hooks: { before: run('quiesce'), after: run('release') } },
      late: files('late'),
      moved: files('moved'),
      far: files('far', 'stack2'),
      slow: { ...files('slow'), limits: { maxRate: '200kB' } },
      stack: { ...files('stack'), group: 'configs', after: ['wiki'] },
    },
    notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
    plans: { daily: { ...WAITS, alertAfter: '1ms', hooks: { before: run('begin'), after: run('end') } } },
    temporal: { address: stage.temporal.address },
  });
}

function data(folder: string, name: string): string {
  return path.join(folder, 'data', name);
}

/** @param pieces of 64 KiB that do not compress. */
async function fill(folder: string, pieces: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let piece = 0; piece < pieces; piece++)
    await writeFile(path.join(folder, `file-${piece}`), crypto.getRandomValues(new Uint8Array(65_536)));
}
