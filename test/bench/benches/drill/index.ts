/** A drill over the sample's stack: how long all of it is gone, against its critical path recovered by hand. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { readGraph } from '../../../../client/runs/graph.ts';
import type { DrillReport } from '../../../../model/drill/drill.ts';
import { tookOf } from '../../../../model/drill/timeline.ts';
import { sizes } from '../../../../model/manifest.ts';
import type { SourceType } from '../../../../model/source.ts';
import { formatBytes } from '../../../../model/units.ts';
import { RECOVERIES } from '../../peers/recovery.ts';
import type { Result } from '../../result.ts';
import { plainSeries, resultOf } from '../result-of.ts';
import { TOUCHED_NOTE, warm, WARM_NOTE } from '../settle.ts';
import type { Bench, Surroundings } from '../types.ts';
import { isRecovered, recoverByHand } from './by-hand.ts';
import { backUpStack, VAULT, type BackedUp } from './stack.ts';

/** RTO divided by the sum of the raw pipelines on its critical path. */
const GOAL = 1.3;
const BY_HAND = 'critical path by hand';
const ALL_BY_HAND = 'all of it by hand';

/** Memory that a recovery takes, to the bytes that it recovers: for its files, and for its servers. */
const WRITTEN = 1.5;

export const drillBench: Bench = {
  name: 'drill',
  async run(surroundings) {
    const results: Result[] = [];
    for (const copies of surroundings.data.scale.stacks) {
      const work = path.join(surroundings.work, String(copies));
      await mkdir(work, { mode: 0o711 });
      results.push(await measured({ ...surroundings, work }, copies));
      await rm(work, { recursive: true });
    }
    return results;
  },
};

async function measured(surroundings: Surroundings, copies: number): Promise<Result> {
  const { work, rounds, signal, say } = surroundings;
  const stack = await backUpStack(surroundings, copies);
  const plain = await plainBytesAt(stack);
  const settle = warm(path.join(work, VAULT), signal, WRITTEN * plain);
  const drills: number[] = [];
  const byHand: number[] = [];
  const atOnce: number[] = [];
  const compared = new Set<SourceType>();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await settle();
      const report = await drill(stack);
      drills.push((report.rto ?? Number.NaN) / 1000);
      await sayTimeline(stack, report, say);
      let sum = 0;
      for (const source of onPath(report)) {
        await settle();
        const seconds = await recoverByHand({ test: stack.test, work: path.join(work, 'by-hand'), signal }, source);
        say(`${source.source} by hand: ${seconds.toFixed(2)} s`);
        compared.add(source.type);
        sum += seconds;
      }
      byHand.push(sum);
      await settle();
      atOnce.push(await allByHand(stack, report, { work, signal }));
      const hands = `by hand ${sum.toFixed(2)} s, all of it ${atOnce.at(-1)?.toFixed(2)} s`;
      say(`run ${round} of ${rounds}: RTO ${drills.at(-1)?.toFixed(2)} s, ${hands}, ${load()}`);
    }
  } finally {
    await stack.close();
  }
  const { beside } = stack.test.site.config.plans.drill;
  const ours = plainSeries({
    name: 'drDrill',
    settings: `host-lost, from a directory, ${beside} sources restored beside each other; own Temporal and worker in one process`,
    runs: drills,
    goal: null,
  });
  const peers = [
    plainSeries({ name: BY_HAND, settings: settingsOf(compared), runs: byHand, goal: GOAL }),
    plainSeries({
      name: ALL_BY_HAND,
      settings: `the same commands for every source, ${beside} hands, each with one after another until it answers`,
      runs: atOnce,
      goal: null,
    }),
  ];
  const of = copies === 0 ? 'the sample' : `the sample with ${copies} more copies of its tables`;
  return resultOf([ours, ...peers], {
    name: copies === 0 ? 'drill' : 'drill-larger',
    title: `Disaster-recovery drill over ${of}, ${formatBytes(plain)}: from the declaration until every source answers`,
    unit: 's',
    notes: [WARM_NOTE, TOUCHED_NOTE, ...NOTES, load()],
  });
}

/** Of everything that is recovered. */
async function plainBytesAt({ test }: BackedUp): Promise<number> {
  const backups = await listBackups(openDestination(VAULT, test.site));
  return backups.reduce((sum, { manifest }) => sum + sizes(manifest).plain, 0);
}

async function drill({ run }: BackedUp): Promise<DrillReport> {
  const { drill: report } = await run('drill', { scenario: 'host-lost' });
  assert.ok(report?.outcome === 'complete' && report.rto !== null, JSON.stringify(report));
  return report;
}

/** Sources that the whole waited for. */
function onPath({ sources, criticalPath }: DrillReport): DrillReport['sources'] {
  return sources.filter(({ source }) => criticalPath.some((step) => step.startsWith(`${source}/`)));
}

/** @returns seconds that the busiest hand took, as many of them as the drill restores beside each other, in its order, without clearing up. */
async function allByHand(
  { test }: BackedUp,
  report: DrillReport,
  { work, signal }: Pick<Surroundings, 'work' | 'signal'>,
): Promise<number> {
  const left = [...report.sources];
  async function hand(): Promise<number> {
    let seconds = 0;
    for (let source = left.shift(); source; source = left.shift())
      seconds += await recoverByHand({ test, work: path.join(work, `by-hand-${source.source}`), signal }, source);
    return seconds;
  }
  return Math.max(...(await Promise.all(Array.from({ length: test.site.config.plans.drill.beside }, hand))));
}

async function sayTimeline(
  { session }: BackedUp,
  { runId, declared, criticalPath }: DrillReport,
  say: Surroundings['say'],
): Promise<void> {
  const { steps = [] } = (await readGraph(session.client, runId)) ?? {};
  for (const step of steps.toSorted((a, b) => (a.started ?? '').localeCompare(b.started ?? ''))) {
    const from = Date.parse(step.started ?? '') - Date.parse(declared ?? '');
    const critical = criticalPath.includes(step.id) ? '*' : ' ';
    say(`${critical} ${step.id.padEnd(20)} at ${String(from).padStart(6)} ms, took ${tookOf(step) ?? '?'} ms`);
  }
}

function settingsOf(types: ReadonlySet<SourceType>): string {
  return [...types]
    .filter(isRecovered)
    .map((type) => `${type}: ${RECOVERIES[type]}`)
    .join('\n    ');
}

function load(): string {
  const [minute = Number.NaN] = loadavg();
  return `load of the last minute ${minute.toFixed(1)}, on ${availableParallelism()} cores`;
}

const NOTES = [
  'The sample has one size, also with --small. By hand: one source after another, each alone on the machine, until it answers; the sum of those on the',
  'critical path of the drill before, also where that waited for the restore of one alone. All of it by hand: as many hands as the drill restores beside',
  'each other, on the same cores. Ours also checks signatures, digests and pg_verifybackup, and cuts its servers off from all networks.',
];
