/** What a wrong clock has dated ahead of ours. Pure. */

/** Milliseconds by which clocks may differ: with time servers it is far less, and no period is so short. */
export const CLOCKS_AGREE = 600_000;

/**
 * Whether something is of the future by our clock: it was wrong then, or is now. How old it is, nobody knows, and until that
 * day it would look as new as can be.
 * @param time RFC 3339. @param now milliseconds since the epoch.
 */
export function isAhead(time: string, now: number): boolean {
  return Date.parse(time) - now > CLOCKS_AGREE;
}
