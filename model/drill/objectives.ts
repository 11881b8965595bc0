/** Which objectives a drill missed. Pure. */
import type { DrillReport } from './drill.ts';
import { rpoOf } from './loss.ts';

export interface Missed {
  /** The source; null: the whole stack. */
  readonly of: string | null;
  readonly objective: 'rto' | 'rpo';
  /** Milliseconds; null where it is not known, as of what never came back. */
  readonly took: number | null;
  readonly limit: number;
}

/** The whole first, then by source. What is not known is missed once it has ended: nobody may rely on it. While it goes on: what is missed in any case. */
export function missedBy({ objectives, rto, rpo, sources, outcome }: DrillReport): readonly Missed[] {
  const all = [
    { of: null, objectives, rto, rpo, ended: outcome !== null },
    ...sources.map((source) => ({
      of: source.source,
      objectives: source.objectives,
      rto: source.rto,
      rpo: rpoOf(source.losses),
      ended: source.outcome !== null,
    })),
  ];
  return all.flatMap((one) =>
    (['rto', 'rpo'] as const).flatMap((objective): readonly Missed[] => {
      const [took, limit] = [one[objective], one.objectives[objective]];
      if (limit === null) return [];
      const isMissed = took === null ? one.ended : took > limit;
      return isMissed ? [{ of: one.of, objective, took, limit }] : [];
    }),
  );
}
