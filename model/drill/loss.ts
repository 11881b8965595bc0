/** What a disaster took, by the newest data that a recovery brought back. */
import { NEWEST_BY, type DataLoss, type Newest } from './drill.ts';

/** Milliseconds by which two clocks may differ: what is newer by so much than the disaster was written at it. */
const SKEW = 60_000;

/**
 * The most exact first: its canary, the engine's own last commit, the time of the backup. Never below zero: what lies within
 * the skew of two clocks behind the disaster is no loss. What is later than that tells nothing of it (a clock is wrong, or
 * data came from after the disaster), and is left out: it must not pass for "nothing was lost".
 * @param declared RFC 3339: the disaster.
 */
export function lossesOf(newest: readonly Newest[], declared: string): readonly DataLoss[] {
  const at = Date.parse(declared);
  return newest
    .map(({ by, time }) => ({ by, time, milliseconds: at - Date.parse(time) }))
    .filter(({ milliseconds }) => milliseconds >= -SKEW)
    .map(({ by, time, milliseconds }) => ({ by, time, milliseconds: Math.max(0, milliseconds) }))
    .toSorted((a, b) => NEWEST_BY.indexOf(a.by) - NEWEST_BY.indexOf(b.by));
}
