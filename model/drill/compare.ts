/** A drill beside an earlier one. Pure. */
import type { DrilledSource, DrillReport, Scenario } from './drill.ts';
import { rpoOf } from './loss.ts';

/** Milliseconds; null where it was not reached, or nothing is known. */
export interface Change {
  readonly now: number | null;
  readonly before: number | null;
}

export interface Comparison {
  /** Of the earlier one. */
  readonly runId: string;
  readonly scenario: Scenario;
  /** RFC 3339. */
  readonly declared: string;
  readonly rto: Change;
  readonly rpo: Change;
  /** Those that both recovered. */
  readonly sources: readonly { readonly source: string; readonly rto: Change; readonly rpo: Change }[];
  /** Sources that only this one was to recover, or only the earlier one. */
  readonly added: readonly string[];
  readonly gone: readonly string[];
}

/** Drills that ended before this one was declared; the newest first. */
export function earlierThan(report: DrillReport, drills: readonly DrillReport[]): readonly DrillReport[] {
  const { declared } = report;
  if (declared === null) return [];
  return drills
    .filter(
      (one) => one.runId !== report.runId && one.outcome !== null && one.declared !== null && one.declared < declared,
    )
    .toSorted((a, b) => ((a.declared ?? '') > (b.declared ?? '') ? -1 : 1));
}

export function compare(report: DrillReport, earlier: DrillReport): Comparison {
  const before = new Map(earlier.sources.map((one) => [one.source, one]));
  const now = new Set(report.sources.map(({ source }) => source));
  return {
    runId: earlier.runId,
    scenario: earlier.scenario,
    declared: earlier.declared ?? '',
    rto: { now: report.rto, before: earlier.rto },
    rpo: { now: report.rpo, before: earlier.rpo },
    sources: report.sources.flatMap((one) => {
      const old = before.get(one.source);
      if (old === undefined) return [];
      return [
        {
          source: one.source,
          rto: { now: one.rto, before: old.rto },
          rpo: { now: lossOf(one), before: lossOf(old) },
        },
      ];
    }),
    added: [...now].filter((source) => !before.has(source)),
    // One that failed before it came to any source says nothing of them.
    gone: now.size === 0 ? [] : [...before.keys()].filter((source) => !now.has(source)),
  };
}

/** Milliseconds of data that were lost at most; null where nothing tells of it. */
export function lossOf({ losses }: Pick<DrilledSource, 'losses'>): number | null {
  return rpoOf(losses);
}
