/** What a drill showed, for reports: what missed its objective and why, what failed, and how it stands beside earlier ones. Pure. */
import type { StepError } from '../run.ts';
import { compare, earlierThan, type Comparison } from './compare.ts';
import type { DrillReport } from './drill.ts';
import { missedBy } from './objectives.ts';
import { isConfirm } from './steps.ts';
import { allSteps } from './timeline.ts';
import { slowestOf, whyLate, whyLost, whySourceLate, whySourceLost, type Timed } from './why.ts';

/** An objective that was not held. */
export interface Missed {
  readonly of: 'rto' | 'rpo';
  /** Null: of the whole stack. */
  readonly source: string | null;
  /** Milliseconds; null where it was never back, or nothing is known of what was lost. */
  readonly actual: number | null;
  readonly objective: number;
  /** In words, the most important first. */
  readonly why: readonly string[];
}

export interface DrillSummary {
  /** The whole first, then by source. While it goes on: what is missed in any case. */
  readonly missed: readonly Missed[];
  readonly failures: readonly { readonly source: string | null; readonly error: StepError }[];
  /** Of all steps. */
  readonly slowest: readonly Timed[];
  /** With the last of the same scenario; null where there is none. */
  readonly sameScenario: Comparison | null;
  /** With the last of any, where that is another one. */
  readonly last: Comparison | null;
}

/** @param drills earlier ones, in any order; the drill itself and later ones are left out. */
export function drillSummary(report: DrillReport, drills: readonly DrillReport[]): DrillSummary {
  const earlier = earlierThan(report, drills);
  const same = earlier.find(({ scenario }) => scenario === report.scenario);
  const [last] = earlier;
  return {
    missed: missedAndWhy(report),
    failures: [
      ...report.errors.map((error) => ({ source: null, error })),
      ...report.sources.flatMap(({ source, errors }) => errors.map((error) => ({ source, error }))),
    ],
    slowest: slowestOf(
      allSteps(report).filter(({ id }) => id !== 'plan' && id !== 'declare' && !isConfirm(id)),
      5,
    ),
    sameScenario: same ? compare(report, same) : null,
    last: last && last !== same ? compare(report, last) : null,
  };
}

/** Every objective of a drill that was not held, and why. */
export function missedAndWhy(report: DrillReport): readonly Missed[] {
  const sources = new Map(report.sources.map((one) => [one.source, one]));
  return missedBy(report).map(({ of: source, objective: of, took: actual, limit: objective }) => {
    const drilled = source === null ? undefined : sources.get(source);
    const late = () => (drilled ? whySourceLate(report, drilled) : whyLate(report));
    const lost = () => (drilled ? whySourceLost(drilled) : whyLost(report));
    return { of, source, actual, objective, why: of === 'rto' ? late() : lost() };
  });
}
