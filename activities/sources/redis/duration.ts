/** Durations of objectives in messages. */
import { duration } from '../../../model/units.ts';

/** `600000` → `10m`. */
export function formatDuration(milliseconds: number): string {
  return duration.encode(milliseconds);
}
