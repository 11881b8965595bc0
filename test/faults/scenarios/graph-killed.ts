/**
 * A full plan of three databases and three destinations, killed at every boundary of every step of its graph and inside each: first
 * its worker, then Temporal. The points come from the graph of the run itself.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGraph } from '../../../client/runs/graph.ts';
import { startRemotes } from '../../support/remote-site.ts';
import { until } from '../../support/until.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound, requireWhole } from '../sound.ts';
import type { Trial } from '../trial.ts';

const SIGNAL_STEPS = fileURLToPath(new URL('../../support/signal-steps.mjs', import.meta.url));
const DATABASES = ['db', 'wiki', 'cache'] as const;

/** Long enough for steps that die and die again; the rest is as in every trial. */
const PATIENT = {
  captureDeadline: '30m',
  copyDeadline: '30m',
  verifyDeadline: '30m',
  retryFirst: '50ms',
  retryMax: '200ms',
  heartbeat: '2s',
  standstill: '30s',
  busy: '30s',
};

export const graphKilled: readonly Scenario[] = [
  {
    kind: 'graph killed',
    title: 'P42 P49 the worker, at every boundary of every step and inside it (db, wiki, cache; three destinations)',
    sources: DATABASES,
    minutes: 25,
    play: (trial) => withDestinations(trial, (of, hit) => killWorkers(of, hit, ['entered', 'inside', 'left'])),
  },
  {
    kind: 'graph killed',
    title: 'P49 the worker, at every step that is done, and nobody knows (stack)',
    sources: ['stack'],
    everyTime: true,
    async play(trial) {
      await trial.configure((config) => ({ ...config, plans: { ...config.plans, daily: PATIENT } }));
      return killWorkers(trial, await hitFolder(trial), ['left']);
    },
  },
  {
    kind: 'graph killed',
    title: 'P49 Temporal, at every boundary of every step (db, wiki, cache; three destinations)',
    sources: DATABASES,
    alone: 'all',
    minutes: 25,
    play: (trial) => withDestinations(trial, killTemporal),
  },
];

async function withDestinations(trial: Trial, play: (trial: Trial, hit: string) => Promise<string>): Promise<string> {
  const remotes = await startRemotes();
  try {
    const [bucket, server] = await Promise.all([
      remotes.remote('s3', trial.folder),
      remotes.remote('rsync', trial.folder),
    ]);
    await trial.configure((config) => ({
      ...config,
      destinations: { ...config.destinations, bucket: bucket.config, server: server.config },
      plans: { ...config.plans, daily: PATIENT },
    }));
    return await play(trial, await hitFolder(trial));
  } finally {
    await remotes.close();
  }
}

/** Where workers note which points they have reached. */
async function hitFolder(trial: Trial): Promise<string> {
  const hit = path.join(trial.folder, 'hit');
  await mkdir(hit);
  return hit;
}

/** Each worker dies at the first point that none before has reached; the next one goes on. */
async function killWorkers(trial: Trial, hit: string, points: readonly string[]): Promise<string> {
  const next = () => trial.stepWorker(SIGNAL_STEPS, { STEPS_HIT: hit, STEPS_DO: 'kill', STEPS_AT: points.join(',') });
  let worker = await next();
  const run = await trial.run();
  let deaths = 0;
  for (;;) {
    const dying = worker;
    await until('a death, or the end of the run', async () => !dying.running() || (await run.ended()), 120_000);
    if (dying.running()) break;
    deaths += 1;
    await requireWhole(trial);
    worker = await next();
  }
  const steps = await requireEveryPoint(trial, run, hit, points);
  assert.equal(deaths, steps * points.length);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${deaths} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}

/** The worker stands still at each point until Temporal was killed there. */
async function killTemporal(trial: Trial, hit: string): Promise<string> {
  const points = ['entered', 'left'];
  const server = trial.lab.temporal;
  await trial.stepWorker(SIGNAL_STEPS, { STEPS_HIT: hit, STEPS_DO: 'hold', STEPS_AT: points.join(',') });
  const run = await trial.run();
  let kills = 0;
  for (;;) {
    const point = await until(
      'a point, or the end of the run',
      async () => reachedIn(hit) ?? ((await run.ended()) ? 'ended' : undefined),
      120_000,
    );
    if (point === 'ended') break;
    await server.kill();
    kills += 1;
    writeFileSync(path.join(hit, `${point}.go`), '');
    await server.start();
  }
  const steps = await requireEveryPoint(trial, run, hit, points);
  assert.equal(kills, steps * points.length);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${kills} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}

/** The one at which a worker stands. */
function reachedIn(hit: string): string | undefined {
  return readdirSync(hit).find((name) => !name.endsWith('.go') && !existsSync(path.join(hit, `${name}.go`)));
}

/** Every step of the run's own graph was met at every point, and nothing else. @returns how many steps there are. */
async function requireEveryPoint(trial: Trial, run: Run, hit: string, points: readonly string[]): Promise<number> {
  const graph = await readGraph(trial.lab.temporal.client(), run.id);
  assert.ok(graph);
  const expected = graph.steps.flatMap(({ id }) => points.map((point) => `${id.replaceAll('/', ':')}@${point}`));
  const met = readdirSync(hit).filter((name) => !name.endsWith('.go'));
  assert.deepEqual(met.toSorted(), expected.toSorted(), 'every step of the graph, at every point');
  return graph.steps.length;
}
