/** Many hosts on one embedded Temporal, with captures that do nothing: what the workflows themselves cost as a site grows. */
import assert from 'node:assert/strict';
import { NamespaceNotFoundError } from '@temporalio/common';
import { startRun } from '../../../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../../../client/temporal/namespace.ts';
import { runId, type PlanInput, type RunReport } from '../../../../model/run.ts';
import { endChildren, startChild, type Child } from '../../../support/children.ts';
import { startTemporal, type TemporalProcess } from '../../../support/temporal-process.ts';
import { until } from '../../../support/until.ts';
import { within } from '../../../support/within.ts';
import { watchMemory } from '../../memory.ts';
import type { Result, Series } from '../../result.ts';
import { plainSeries, resultOf } from '../result-of.ts';
import { scheduledTimes } from '../temporal.ts';
import type { Bench } from '../types.ts';

const WORKERS = new URL('../../fleet/workers-main.ts', import.meta.url);
/** Of each source: reached, captured, copied, verified; and of a run: planned, signed. */
const STEPS = { source: 4, run: 2 };
const SIZES = [10, 30, 100] as const;
const SOURCES = 3;
const MANY = { hosts: 10, sources: 50 };
/** A source's own history and its part in that of the run, with one destination. */
const EVENTS = 35 + 15;
const MOST_EVENTS = 10_000;
/** How much slower a step may be among 100 hosts than among 10. */
const SLOWER = 1.3;
/** Milliseconds after which something hangs, on a machine with much else to do: of what takes a minute or two, and of what takes none. */
const [LONG, SHORT] = [900_000, 60_000] as const;

interface Measured {
  readonly secondsPerStep: number;
  /** Bytes of the process of all workers, at most. */
  readonly memory: number;
  readonly events: { readonly run: number; readonly source: number };
}

export const fleetBench: Bench = {
  name: 'fleet',
  async run({ work, rounds, signal, say }) {
    const server = await startTemporal(work);
    try {
      await ensureSearchAttributes({ connection: { address: server.address }, namespace: 'default', ui: null });
      const bySize = new Map<number, Measured[]>(SIZES.map((hosts) => [hosts, []]));
      for (let round = 0; round < rounds; round++) {
        for (const hosts of SIZES) {
          signal.throwIfAborted();
          const measured = await measure(server, { site: `fleet-${round}-${hosts}`, hosts, sources: SOURCES });
          say(
            `run ${round + 1} of ${rounds}: ${hosts} hosts: ${(1 / measured.secondsPerStep).toFixed(0)} steps a second`,
          );
          bySize.get(hosts)?.push(measured);
        }
      }
      const many = await measure(server, { site: 'fleet-many', ...MANY });
      say(`${MANY.hosts * MANY.sources} sources: ${(1 / many.secondsPerStep).toFixed(0)} steps a second`);
      return [...throughput(bySize), ...eventsOf([...bySize.values()].flat(), many), memoryOf(bySize)];
    } finally {
      await within('the end of Temporal', SHORT, server.stop());
    }
  },
};

const next = scheduledTimes();

interface Fleet {
  readonly site: string;
  readonly hosts: number;
  readonly sources: number;
}

async function measure(server: TemporalProcess, fleet: Fleet): Promise<Measured> {
  const child = startChild(WORKERS, { address: server.address, ...fleet });
  try {
    const said = await within(`the workers of ${fleet.hosts} hosts, ready`, LONG, child.line());
    assert.equal(said, 'ready');
    return await measureRun(server, child, fleet);
  } finally {
    await within(`the end of the workers of ${fleet.hosts} hosts`, SHORT, endChildren());
  }
}

async function measureRun(server: TemporalProcess, child: Child, fleet: Fleet): Promise<Measured> {
  const { workflow } = server.client();
  const input = { site: fleet.site, plan: 'daily', scheduled: next() };
  const id = runId(input.plan, input.scheduled);
  const count = fleet.hosts * fleet.sources;
  const memory = watchMemory(child.pid);
  try {
    const started = performance.now();
    await within(
      `the beginning of ${id}`,
      LONG,
      until(`the beginning of ${id}`, () => begins(server, input)),
    );
    const handle = workflow.getHandle(id);
    const ending: Promise<RunReport> = handle.result();
    const report = await within(`the end of ${id} over ${count} sources`, LONG, Promise.race([ending, died(child)]));
    const seconds = (performance.now() - started) / 1000;
    assert.equal(report.outcome, 'complete');
    assert.equal(report.sources.length, count);
    const describing = Promise.all(
      [handle, workflow.getHandle(`${id}/source-${count - 1}`)].map((of) => of.describe()),
    );
    const [run, source] = (await within(`the histories of ${id}`, SHORT, describing)).map(
      ({ historyLength }) => historyLength,
    );
    assert.ok(run !== undefined && source !== undefined);
    return {
      secondsPerStep: seconds / (count * STEPS.source + STEPS.run),
      memory: memory.stop().own,
      events: { run, source: source + run / count },
    };
  } finally {
    memory.stop();
  }
}

/** A server with more work than it gets done does not find its own namespace for a moment. */
async function begins(server: TemporalProcess, input: PlanInput): Promise<boolean> {
  try {
    await startRun(server.client(), input);
    return true;
  } catch (error) {
    if (error instanceof NamespaceNotFoundError) return false;
    throw error;
  }
}

/** Without its workers a run never ends. */
async function died({ ended }: Child): Promise<never> {
  throw new Error(`the process of the workers ended with ${(await ended) ?? 'a signal'} before the run did`);
}

function throughput(bySize: ReadonlyMap<number, readonly Measured[]>): readonly Result[] {
  const rows: Series[] = SIZES.toReversed().map((hosts) =>
    plainSeries({
      name: `${hosts} hosts`,
      settings: `${SOURCES} sources each, one destination, captures that do nothing, all workers in one process`,
      runs: (bySize.get(hosts) ?? []).map(({ secondsPerStep }) => secondsPerStep * 1000),
      goal: hosts === SIZES[0] ? SLOWER : null,
    }),
  );
  return [
    resultOf(rows, {
      name: 'fleet-steps',
      title: 'milliseconds for a step, over a whole run: many hosts against fewer',
      unit: 'ms',
      notes: ['A ratio is how much slower a step is among 100 hosts than among that many.'],
    }),
  ];
}

function eventsOf(measured: readonly Measured[], many: Measured): readonly Result[] {
  const settings = 'one destination; of a source: its own history, and its part in that of the run';
  return [
    resultOf(
      [
        plainSeries({
          name: 'a source',
          settings,
          runs: measured.map(({ events }) => Math.ceil(events.source)),
          goal: EVENTS,
        }),
      ],
      { name: 'fleet-events-source', title: 'events of a source', unit: 'events', notes: [] },
    ),
    resultOf(
      [
        plainSeries({
          name: `${MANY.hosts * MANY.sources} sources`,
          settings: 'the longest history: that of the run',
          runs: [many.events.run],
          goal: MOST_EVENTS,
        }),
      ],
      {
        name: 'fleet-events-run',
        title: `events of a run over ${MANY.hosts * MANY.sources} sources`,
        unit: 'events',
        notes: [
          `${(1 / many.secondsPerStep).toFixed(0)} steps a second; ${Math.round(many.memory / 1e6)} MB of workers`,
        ],
      },
    ),
  ];
}

function memoryOf(bySize: ReadonlyMap<number, readonly Measured[]>): Result {
  const rows = SIZES.toReversed().map((hosts) =>
    plainSeries({
      name: `${hosts} hosts`,
      settings: 'the process of all workers of the fleet, at most',
      runs: (bySize.get(hosts) ?? []).map(({ memory }) => Math.round(memory / 1e6)),
      goal: null,
    }),
  );
  return resultOf(rows, { name: 'fleet-memory', title: 'memory of the workers', unit: 'MB', notes: [] });
}
