/**
 * How often backups failed, from the recovery points: what a run says of a source counts once. What was counted is
 * remembered in state, since a counter must never fall, and recovery points are replaced when a run is made up for.
 */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { RecoveryPoint, SourceOutcome } from '../../../model/recovery-point.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';

const counted = z.object({
  /** By source, plan and destination, as JSON. */
  totals: z.record(z.string(), z.number()),
  /** Of each recovery point, the sources whose failure was counted. */
  failed: z.record(z.string(), z.array(z.string())),
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
  const before = (await readMemoryFile(file, counted)) ?? { totals: {}, failed: {} };
  const after = count(before, points);
  if (after !== before) await writeMemoryFile(file, after);
  return Object.entries(after.totals).map(([key, total]) => {
    const { source, plan, destination } = labels.parse(JSON.parse(key));
    return { source, plan, destination, total };
  });
}

/** The same object where nothing is new. */
export function count(before: Counted, points: readonly RecoveryPoint[]): Counted {
  const totals = { ...before.totals };
  const failed: Record<string, string[]> = {};
  for (const { id, plan, sources } of points) {
    // A run that is made up for writes all of its recovery point anew, and says the same of other sources once more.
    const counted = before.failed[id] ?? [];
    const fresh = sources.filter(({ source, outcome }) => isFailure(outcome) && !counted.includes(source));
    // Zero as well, so that the first failure is a rise.
    for (const { source } of sources) totals[keyOf({ source, plan, destination: '' })] ??= 0;
    for (const { source, error } of fresh) {
      const key = keyOf({ source, plan, destination: destinationIn(error) });
      totals[key] = (totals[key] ?? 0) + 1;
    }
    failed[id] = [...counted, ...fresh.map(({ source }) => source)];
  }
  const after = { totals, failed };
  return isDeepStrictEqual(after, before) ? before : after;
}

/** What a hook of the site's own had skipped was wanted so. */
function isFailure(outcome: SourceOutcome): boolean {
  return outcome !== 'complete' && outcome !== 'skipped';
}

const labels = z.object({ source: z.string(), plan: z.string(), destination: z.string() });

function keyOf(of: z.infer<typeof labels>): string {
  return JSON.stringify(of);
}

/** The first thing that failed stands there, `copy to vault: …` where it was a copy. */
function destinationIn(error: string | null): string {
  return /^copy to ([^:]+): /.exec(error ?? '')?.[1] ?? '';
}
