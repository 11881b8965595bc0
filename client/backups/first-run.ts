/** When the first run of a site ended: records of runs are never deleted. Pure. */
import type { RecoveryPoint } from '../../model/recovery-point.ts';

/** RFC 3339; null where there was none yet. */
export function firstOf(points: readonly Pick<RecoveryPoint, 'created'>[]): string | null {
  return points.map(({ created }) => created).toSorted()[0] ?? null;
}
