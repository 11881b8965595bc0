/** A Temporal and a worker in the test's own process, and runs of plans on them. */
import assert from 'node:assert/strict';
import { ownSession, type Session } from '../../client/runs/session.ts';
import { readGraph } from '../../client/runs/graph.ts';
import { runPlan } from '../../client/runs/run-plan.ts';
import type { SourceProgress } from '../../client/runs/watch.ts';
import { loadSite } from '../../activities/config/load.ts';
import type { DrillAsked, DrillReport, ManualPhase } from '../../model/drill/drill.ts';
import { confirmId } from '../../model/drill/steps.ts';
import type { RunReport } from '../../model/run.ts';
import { until } from './until.ts';
import { testWork } from './work.ts';

/** Starts both for the site of a config file. The caller closes it. */
export async function openSession(file: string): Promise<Session> {
  const openSite = () => loadSite({ file });
  return ownSession({ site: await openSite(), openSite, log: testWork().log });
}

export interface DailyOptions {
  readonly session: Session;
  readonly site: string;
  readonly scheduled: string;
  readonly sources?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (sources: readonly SourceProgress[]) => void;
}

/** Runs the daily plan to its end. */
export function runDaily(options: DailyOptions): Promise<RunReport> {
  return run('daily', options);
}

/** Runs the weekly plan to its end. */
export function runWeekly(options: DailyOptions): Promise<RunReport> {
  return run('weekly', options);
}

/** Runs the monthly plan to its end. */
export function runMonthly(options: DailyOptions): Promise<RunReport> {
  return run('monthly', options);
}

/** One tick of log shipping, to its end. */
export function runLogs(options: DailyOptions): Promise<RunReport> {
  return run('logs', options);
}

/** Restore tests, to their end. */
export function runRestoreTest(options: DailyOptions): Promise<RunReport> {
  return run('restore-test', options);
}

export interface DrillOptions extends DailyOptions, Pick<DrillAsked, 'scenario' | 'at' | 'manual' | 'gameDay'> {}

/** A drill, to its end. */
export async function runDrill({ scenario, at, manual, gameDay, ...options }: DrillOptions): Promise<DrillReport> {
  const asked = {
    ...(scenario && { scenario }),
    ...(at !== undefined && { at }),
    ...(manual && { manual }),
    ...(gameDay !== undefined && { gameDay }),
  };
  const { drill } = await run('drill', options, asked);
  assert.ok(drill);
  return drill;
}

/** Until a drill waits for somebody's word. @param id its run. */
export async function untilWaits({ client }: Session, id: string, phase: ManualPhase): Promise<void> {
  await until(`${phase} waits for somebody`, async () => {
    const graph = await readGraph(client, id);
    return graph?.steps.some((step) => step.id === confirmId(phase) && step.state === 'running') === true;
  });
}

/** One tick of catch-up, to its end: as by hand, until nothing is owed. */
export function runCatchUp(options: DailyOptions): Promise<RunReport> {
  return run('catch-up', options);
}

function run(
  plan: string,
  { session, site, scheduled, sources, signal, onProgress }: DailyOptions,
  asked: Partial<DrillAsked> = {},
): Promise<RunReport> {
  return runPlan({
    session,
    input: { site, plan, scheduled, ...(sources ? { sources } : {}), ...asked },
    signal: signal ?? new AbortController().signal,
    interval: 100,
    onProgress: onProgress ?? (() => {}),
    onCancelFailed: (error) => {
      throw error;
    },
  });
}
