/** What a disaster took: how long before it the newest data that were recovered were written. Pure. */
import { NEWEST_BY, type DataLoss, type Newest } from './drill.ts';

/**
 * @param disaster RFC 3339.
 * @returns what tells it most exactly first. Data that are newer than the disaster, by clocks that differ, were not lost.
 */
export function lossesOf(newest: readonly Newest[], disaster: string): readonly DataLoss[] {
  return newest
    .map(({ by, time }) => ({ by, time, milliseconds: Math.max(0, Date.parse(disaster) - Date.parse(time)) }))
    .toSorted((a, b) => NEWEST_BY.indexOf(a.by) - NEWEST_BY.indexOf(b.by));
}

/** The data that were lost at most: each of them shows that whatever was written until then is there. Null where nothing tells it. */
export function rpoOf(losses: readonly DataLoss[]): number | null {
  return losses.length === 0 ? null : Math.min(...losses.map(({ milliseconds }) => milliseconds));
}
