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

export function missedBy({ objectives, rto, rpo, sources }: DrillReport): readonly Missed[] {
  const all = [
    { of: null, objectives, rto, rpo },
    ...sources.map((source) => ({
      of: source.source,
      objectives: source.objectives,
      rto: source.rto,
      rpo: rpoOf(source.losses),
    })),
  ];
  return all.flatMap((one) =>
    (['rto', 'rpo'] as const).flatMap((objective): readonly Missed[] => {
      const [took, limit] = [one[objective], one.objectives[objective]];
      return limit !== null && (took === null || took > limit) ? [{ of: one.of, objective, took, limit }] : [];
    }),
  );
}
