/**
 * How often backups failed, from the recovery points: what a run says of a source counts once. What was counted is
 * remembered in state, since a counter must never fall, and recovery points are replaced when a run is made up for.
 */
import path from 'node:path';
import { z } from 'zod';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';

const counted = z.object({
  /** By source, plan and destination, as JSON. */
  totals: z.record(z.string(), z.number()),
  /** Of each recovery point that was counted, when it was made. */
  points: z.record(z.string(), z.string()),
});
type Counted = z.infer<typeof counted>;

export interface Failures {
  readonly source: string;
  readonly plan: string;
  /** Where a copy failed; empty for captures and verifications. */
  readonly destination: string;
  readonly total: number;
}

/** The failures since the state folder was made; those of all recovery points where it was lost. */
export async function countFailures(state: string, points: readonly RecoveryPoint[]): Promise<readonly Failures[]> {
  const file = path.join(state, 'metrics', 'failures.json');
  const before = (await readMemoryFile(file, counted)) ?? { totals: {}, points: {} };
  const after = count(before, points);
  if (after !== before) await writeMemoryFile(file, after);
  return Object.entries(after.totals).map(([key, total]) => {
    const { source, plan, destination } = labels.parse(JSON.parse(key));
    return { source, plan, destination, total };
  });
}

/** The same object where nothing is new. */
export function count(before: Counted, points: readonly RecoveryPoint[]): Counted {
  const fresh = points.filter(({ id, created }) => before.points[id] !== created);
  if (fresh.length === 0) return before;
  const totals = { ...before.totals };
  for (const { plan, sources } of fresh) {
    for (const { source, outcome, error } of sources) {
      // Zero as well, so that the first failure is a rise.
      totals[keyOf({ source, plan, destination: '' })] ??= 0;
      if (outcome === 'complete') continue;
      const key = keyOf({ source, plan, destination: destinationIn(error) });
      totals[key] = (totals[key] ?? 0) + 1;
    }
  }
  return { totals, points: Object.fromEntries(points.map(({ id, created }) => [id, created])) };
}

const labels = z.object({ source: z.string(), plan: z.string(), destination: z.string() });

function keyOf(of: z.infer<typeof labels>): string {
  return JSON.stringify(of);
}

/** The first thing that failed stands there, `copy to vault: …` where it was a copy. */
function destinationIn(error: string | null): string {
  return /^copy to ([^:]+): /.exec(error ?? '')?.[1] ?? '';
}
