/** Deaths at every boundary of every step of a run and inside it. The points come from the graph of the run itself: no step is named. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGraph } from '../../client/runs/graph.ts';
import { until } from '../support/until.ts';
import type { Run } from './run.ts';
import type { Trial } from './trial.ts';

const SIGNAL_STEPS = fileURLToPath(new URL('../support/signal-steps.mjs', import.meta.url));

export const POINTS = ['entered', 'inside', 'left'] as const;
export type Point = (typeof POINTS)[number];

/** Where workers note which points they have reached. */
export async function hitFolder(trial: Trial, name = 'hit'): Promise<string> {
  const hit = path.join(trial.folder, name);
  await mkdir(hit);
  return hit;
}

export interface Killing {
  /** As `hitFolder` has made it. */
  readonly hit: string;
  readonly points: readonly Point[];
  /** Starts the run, once a worker serves. */
  readonly start: () => Promise<Run>;
  /** Done after each death, while the next worker starts. */
  readonly beside?: () => Promise<unknown>;
}

/** Each worker dies at the first point that none before has reached; the next one goes on. The last one lives. */
export async function killAtEach(
  trial: Trial,
  { hit, points, start, beside = async () => {} }: Killing,
): Promise<{ readonly run: Run; readonly deaths: number }> {
  const next = () => trial.stepWorker(SIGNAL_STEPS, { STEPS_HIT: hit, STEPS_DO: 'kill', STEPS_AT: points.join(',') });
  let worker = await next();
  const run = await start();
  let deaths = 0;
  for (;;) {
    const dying = worker;
    await until('a death, or the end of the run', async () => !dying.running() || (await run.ended()), 120_000);
    if (dying.running()) return { run, deaths };
    deaths += 1;
    [worker] = await Promise.all([next(), beside()]);
  }
}

/** The worker stands still at each point until Temporal was killed there; inside a step, of which the first of each kind has that point, it works on. */
export async function killTemporalAtEach(
  trial: Trial,
  { hit, points, start }: Killing,
): Promise<{ readonly run: Run; readonly kills: number }> {
  const server = trial.lab.temporal;
  const env = { STEPS_HIT: hit, STEPS_DO: 'hold', STEPS_AT: points.join(','), STEPS_INSIDE: 'kinds' };
  await trial.stepWorker(SIGNAL_STEPS, env);
  const run = await start();
  let kills = 0;
  for (;;) {
    const point = await until(
      'a point, or the end of the run',
      async () => reachedIn(hit) ?? ((await run.ended()) ? 'ended' : undefined),
      120_000,
    );
    if (point === 'ended') return { run, kills };
    await server.kill();
    kills += 1;
    writeFileSync(path.join(hit, `${point}.go`), '');
    await server.start();
  }
}

/** The one at which a worker stands. */
function reachedIn(hit: string): string | undefined {
  return readdirSync(hit).find((name) => !name.endsWith('.go') && !existsSync(path.join(hit, `${name}.go`)));
}

export interface Walk {
  readonly hit: string;
  readonly points: readonly Point[];
  /** `kinds`: only the first step of each kind was to be met inside. */
  readonly inside?: 'each' | 'kinds';
  /** Steps that the workflow itself does, without a worker's step. */
  readonly own?: ReadonlySet<string>;
}

/** Every step of the run's own graph was met at every point, and nothing else. @returns how many steps and points there are. */
export async function requireEveryPoint(
  trial: Trial,
  run: Run,
  { hit, points, inside = 'each', own = new Set() }: Walk,
): Promise<{ readonly steps: number; readonly met: number }> {
  const graph = await readGraph(trial.lab.temporal.client(), run.id);
  assert.ok(graph);
  const steps = graph.steps.filter(({ id }) => !own.has(id)).map(({ id }) => id.replaceAll('/', ':'));
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
