/** How long a restore will take, by what those of the same source took before. Pure. */
import type { Measured } from '../evidence.ts';

/** So many of the newest are gone by: what was measured on another disk, or over another line, soon counts no more. */
export const NEWEST = 5;

/**
 * Milliseconds that a restore of so many bytes (before compression) takes: the middle of what the newest ones took for each byte.
 * @param past of the source, from the same place where there are such; the newest first.
 * @returns null where nothing was measured: then nothing is said.
 */
export function expectedTime(bytes: number, past: readonly Measured[]): number | null {
  const times = past
    .filter((one) => one.bytes > 0 && one.restore >= 0)
    .slice(0, NEWEST)
    .map((one) => (one.restore / one.bytes) * bytes)
    .toSorted((a, b) => a - b);
  if (times.length === 0) return null;
  const [low = 0, high = low] = [times[(times.length - 1) >> 1], times[times.length >> 1]];
  return Math.round((low + high) / 2);
}
