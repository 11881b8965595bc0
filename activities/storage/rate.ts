/** How fast a destination may be written to. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Destination } from './types.ts';

/** The same destination, to which no more than so many bytes a second are sent; no limit when undefined. */
export function limitedTo(to: Destination, maxRate: number | undefined): Destination {
  if (maxRate === undefined) return to;
  return {
    ...to,
    put: (key, file, expected, work, options) => to.put(key, file, expected, work, { ...options, maxRate }),
  };
}

/** The slowest of what config and caller allow, in bytes a second; undefined where nobody says anything. */
export function slowestOf(...rates: readonly (number | undefined)[]): number | undefined {
  const said = rates.filter((rate) => rate !== undefined);
  return said.length === 0 ? undefined : Math.min(...said);
}

/** Waits until so many bytes more may go out. */
export type Pace = (bytes: number, signal?: AbortSignal) => Promise<void>;

/**
 * A limit of bandwidth, which several streams may share.
 * @param rate bytes a second; undefined: no limit.
 */
export function paceOf(rate: number | undefined): Pace {
  // Milliseconds of the monotonic clock until which the line is taken.
  let due = 0;
  return async function wait(bytes, signal) {
    if (rate === undefined) return;
    const now = performance.now();
    // They wait for their own time as well: else what goes in one piece would know no limit.
    due = Math.max(due, now) + (bytes * 1000) / rate;
    await pause(due - now, undefined, signal === undefined ? {} : { signal });
  };
}
