/**
 * A full plan of three databases and three destinations, with hooks, killed at every boundary of every step of its graph and inside each:
 * first its worker, then Temporal. The points come from the graph of the run itself.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGraph } from '../../../client/runs/graph.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { startRemotes } from '../../support/remote-site.ts';
import { until } from '../../support/until.ts';
import { notedHooks, requireBrackets } from '../brackets.ts';
import { mark } from '../contents.ts';
import type { Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound, wholeness } from '../sound.ts';
import type { SourceName, Trial } from '../trial.ts';

const SIGNAL_STEPS = fileURLToPath(new URL('../../support/signal-steps.mjs', import.meta.url));

const POINTS = ['entered', 'inside', 'left'] as const;
type Point = (typeof POINTS)[number];

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
    title:
      'P42 P49 the worker, at every boundary of every step and inside it (cache, db, wiki; three destinations, hooks)',
    sources: ['cache', 'db', 'wiki'],
    minutes: 25,
    play: (trial) => withAll(trial, true, (hit) => killWorkers(trial, hit, POINTS)),
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
    title: 'P49 Temporal, while each step is at work (stack)',
    sources: ['stack'],
    alone: 'all',
    everyTime: true,
    async play(trial) {
      await trial.configure((config) => ({ ...config, plans: { ...config.plans, daily: PATIENT } }));
      return killTemporal(trial, await hitFolder(trial), ['inside']);
    },
  },
  {
    kind: 'graph killed',
    title:
      'P49 Temporal, at every boundary of every step, and while one of each kind is at work (wiki, cache, db; three destinations, hooks)',
    // In another order, so that each is restored from another destination than above.
    sources: ['wiki', 'cache', 'db'],
    alone: 'all',
    minutes: 25,
    play: (trial) => withAll(trial, false, (hit) => killTemporal(trial, hit, POINTS)),
  },
];

/**
 * Besides the vault a bucket and a server; hooks of the plan and of one source, which another comes after.
 * @param dead as in `requireBrackets`.
 */
async function withAll(trial: Trial, dead: boolean, play: (hit: string) => Promise<string>): Promise<string> {
  const remotes = await startRemotes();
  try {
    const [bucket, server] = await Promise.all([
      remotes.remote('s3', trial.folder),
      remotes.remote('rsync', trial.folder),
    ]);
    const hooks = notedHooks(trial);
    await trial.configure((config) => ({
      ...config,
      sources: {
        ...config.sources,
        wiki: { ...sourceOf(config, 'wiki'), hooks },
        cache: { ...sourceOf(config, 'cache'), after: ['wiki'] },
      },
      destinations: { ...config.destinations, bucket: bucket.config, server: server.config },
      plans: { ...config.plans, daily: { ...PATIENT, hooks } },
    }));
    const outcome = await play(await hitFolder(trial));
    await requireBrackets(trial, { runs: 2, source: 'wiki', next: 'cache', dead });
    return `${outcome}; brackets closed`;
  } finally {
    await remotes.close();
  }
}

function sourceOf({ sources }: SiteInput, name: SourceName): SiteInput['sources'][string] {
  const source = sources[name];
  assert.ok(source, name);
  return source;
}

/** Where workers note which points they have reached. */
async function hitFolder(trial: Trial): Promise<string> {
  const hit = path.join(trial.folder, 'hit');
  await mkdir(hit);
  return hit;
}

/** Each worker dies at the first point that none before has reached; the next one goes on. */
async function killWorkers(trial: Trial, hit: string, points: readonly Point[]): Promise<string> {
  const requireWhole = wholeness(trial);
  await mark(trial, 0);
  const next = () => trial.stepWorker(SIGNAL_STEPS, { STEPS_HIT: hit, STEPS_DO: 'kill', STEPS_AT: points.join(',') });
  let worker = await next();
  const run = await trial.run();
  let deaths = 0;
  for (;;) {
    const dying = worker;
    await until('a death, or the end of the run', async () => !dying.running() || (await run.ended()), 120_000);
    if (dying.running()) break;
    deaths += 1;
    // Beside each other: what is listed is whole at any moment.
    [worker] = await Promise.all([next(), requireWhole()]);
  }
  const { steps, met } = await requireEveryPoint(trial, run, { hit, points });
  assert.equal(deaths, met);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${deaths} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}

/** The worker stands still at each point until Temporal was killed there; inside a step it works on. */
async function killTemporal(trial: Trial, hit: string, points: readonly Point[]): Promise<string> {
  const server = trial.lab.temporal;
  await mark(trial, 0);
  const inside = 'kinds';
  const env = { STEPS_HIT: hit, STEPS_DO: 'hold', STEPS_AT: points.join(','), STEPS_INSIDE: inside };
  await trial.stepWorker(SIGNAL_STEPS, env);
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
  const { steps, met } = await requireEveryPoint(trial, run, { hit, points, inside });
  assert.equal(kills, met);
  requireComplete(await run.report());
  await requireSound(trial, 1);
  return `${kills} deaths at ${steps} steps in one run: complete, nothing twice, nothing half`;
}

/** The one at which a worker stands. */
function reachedIn(hit: string): string | undefined {
  return readdirSync(hit).find((name) => !name.endsWith('.go') && !existsSync(path.join(hit, `${name}.go`)));
}

interface Walk {
  readonly hit: string;
  readonly points: readonly Point[];
  /** `kinds`: only the first step of each kind was to be met inside. */
  readonly inside?: 'each' | 'kinds';
}

/** Every step of the run's own graph was met at every point, and nothing else. @returns how many steps and points there are. */
async function requireEveryPoint(
  trial: Trial,
  run: Run,
  { hit, points, inside = 'each' }: Walk,
): Promise<{ readonly steps: number; readonly met: number }> {
  const graph = await readGraph(trial.lab.temporal.client(), run.id);
  assert.ok(graph);
  const steps = graph.steps.map(({ id }) => id.replaceAll('/', ':'));
  const met = readdirSync(hit).filter((name) => !name.endsWith('.go'));
  for (const point of points) {
    const those = met.filter((name) => name.endsWith(`@${point}`)).map((name) => name.slice(0, name.lastIndexOf('@')));
    const isOfKinds = point === 'inside' && inside === 'kinds';
    const [found, expected] = isOfKinds ? [those.map(kindOf), [...new Set(steps.map(kindOf))]] : [those, steps];
    assert.deepEqual(found.toSorted(), expected.toSorted(), `every step of the graph, ${point}`);
  }
  assert.ok(met.every((name) => points.some((point) => name.endsWith(`@${point}`))));
  return { steps: steps.length, met: met.length };
}

/** As signal-steps.mjs tells them apart: `wiki:copy:vault` is of the kind `copy:vault`. */
function kindOf(step: string): string {
  return step.slice(step.indexOf(':') + 1);
}
