/** When each step of a drill was at work, as lanes: what is drawn, and what summaries measure. Pure. */
import type { GraphState, GraphStep } from '../graph.ts';
import type { DrillReport } from './drill.ts';
import { isConfirm } from './steps.ts';

/** What a bar shows. `wait`: somebody's word was waited for; `other`: a step of the whole. */
export type BarKind = 'fetch' | 'restore' | 'start' | 'probe' | 'wait' | 'other';

export interface Bar {
  readonly id: string;
  readonly kind: BarKind;
  readonly state: GraphState;
  /** Milliseconds after the declaration. */
  readonly from: number;
  /** While it goes on, until what the report knows last. */
  readonly to: number;
  readonly critical: boolean;
}

export interface Lane {
  /** Null: steps of the whole. */
  readonly source: string | null;
  readonly failed: boolean;
  readonly bars: readonly Bar[];
  /** Milliseconds after the declaration when all of its probes were green; null where that never was. */
  readonly green: number | null;
}

export interface Timeline {
  readonly lanes: readonly Lane[];
  /** Milliseconds after the declaration: what the report knows last. */
  readonly end: number;
  /** When everything was green; null where that never was. */
  readonly green: number | null;
  /** The objective of the whole; null where there is none. */
  readonly objective: number | null;
}

/** Steps by which the recovery itself is: what comes when all is green is no part of it. */
const LATER: ReadonlySet<string> = new Set(['declare', 'measure', 'report', 'tear-down']);

/** Null before the declaration. */
export function timelineOf(report: DrillReport): Timeline | null {
  if (report.declared === null) return null;
  const declared = Date.parse(report.declared);
  const whole = stepsOfWhole(report).filter(({ id }) => !LATER.has(id));
  const all = [...whole, ...report.sources.flatMap(({ steps }) => steps)];
  const times = [...all.flatMap(({ started, ended }) => [started, ended]), ...(all.length > 0 ? [] : [report.ended])];
  const end = Math.max(0, report.rto ?? 0, ...times.flatMap((time) => (time ? [Date.parse(time) - declared] : [])));
  const critical = new Set(report.criticalPath);
  const barsOf = (steps: readonly GraphStep[]) =>
    steps.flatMap((step) => barOf(step, { declared, end, critical: critical.has(step.id) }));
  return {
    lanes: [
      { source: null, failed: report.errors.length > 0, bars: barsOf(whole), green: null },
      ...report.sources.map(({ source, steps, outcome, rto }) => ({
        source,
        failed: outcome === 'failed',
        bars: barsOf(steps),
        green: rto,
      })),
    ],
    end,
    green: report.rto,
    objective: report.objectives.rto,
  };
}

/** The steps of the whole alone: the graph of a drill, which its report has, shows those of its sources too. */
export function stepsOfWhole({ steps, sources }: Pick<DrillReport, 'steps' | 'sources'>): readonly GraphStep[] {
  const ofSources = new Set(sources.flatMap((one) => one.steps.map(({ id }) => id)));
  return steps.filter(({ id }) => !ofSources.has(id));
}

/** Every step once. */
export function allSteps(report: Pick<DrillReport, 'steps' | 'sources'>): readonly GraphStep[] {
  return [...stepsOfWhole(report), ...report.sources.flatMap(({ steps }) => steps)];
}

/** Milliseconds that a step took; null while it goes on, and where it was never begun. */
export function tookOf({ started, ended }: Pick<GraphStep, 'started' | 'ended'>): number | null {
  return started === null || ended === null ? null : Math.max(0, Date.parse(ended) - Date.parse(started));
}

interface Drawn {
  readonly declared: number;
  readonly end: number;
  readonly critical: boolean;
}

function barOf({ id, state, started, ended }: GraphStep, { declared, end, critical }: Drawn): readonly Bar[] {
  // What ended before the declaration has no part in it.
  if (started === null || (ended !== null && Date.parse(ended) <= declared && Date.parse(started) < declared))
    return [];
  const from = Math.max(0, Date.parse(started) - declared);
  const to = Math.max(from, ended === null ? end : Date.parse(ended) - declared);
  return [{ id, kind: kindOf(id), state, from, to, critical }];
}

function kindOf(id: string): BarKind {
  if (isConfirm(id)) return 'wait';
  const name = id.split('/').at(-1);
  return name === 'fetch' || name === 'restore' || name === 'start' || name === 'probe' ? name : 'other';
}
