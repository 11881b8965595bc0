/** Times of a source's history to which it cannot be restored any more, because logs are gone that were there. Pure. */
import type { MissingLogs } from '../../model/logs-run.ts';
import type { Manifest } from '../../model/manifest.ts';
import { microseconds } from '../../model/time.ts';
import { reachOf } from './reach.ts';

export interface History {
  /** Backups that can be restored by themselves. */
  readonly bases: readonly Manifest[];
  /** The logs that are there. */
  readonly logs: readonly Manifest[];
  /** The same as if nothing were missing: with what was seen before, and across holes that nobody was told of. */
  readonly whole: readonly Manifest[];
}

interface Range {
  /** RFC 3339, by the server's clock. */
  readonly from: string;
  readonly to: string;
}

/**
 * What could be reached from any of the backups if no logs were missing, and is reached from none; the oldest first. So a
 * hole in front of a backup that stands behind it ends there, and one that no backup leads to is none.
 */
export function lostTimes({ bases, logs, whole }: History): readonly MissingLogs[] {
  const reaches = bases.flatMap((base) => {
    const [reached, possible] = [reachOf(base, logs), reachOf(base, whole)];
    if (!reached || !possible) return [];
    const { from } = reached;
    return [{ reached: { from, to: later(from, reached.until) }, possible: later(from, possible.until) }];
  });
  const lost = reaches.flatMap(({ reached, possible }) => nonEmpty({ from: reached.to, to: possible }));
  // The moment of a backup alone is no way through a time of which the logs are missing.
  const reached = reaches.flatMap((each) => nonEmpty(each.reached));
  const left = reached.reduce<readonly Range[]>(
    (ranges, each) => ranges.flatMap((range) => without(range, each)),
    lost,
  );
  const begins = reached.map(({ from }) => from).toSorted((a, b) => microseconds(a) - microseconds(b));
  return united(left).map(({ from, to }) => ({ from, to: begins.find((time) => !isBefore(time, to)) ?? null }));
}

function nonEmpty(range: Range): readonly Range[] {
  return isBefore(range.from, range.to) ? [range] : [];
}

function without(range: Range, { from, to }: Range): readonly Range[] {
  if (!isBefore(from, range.to) || !isBefore(range.from, to)) return [range];
  return [
    { from: range.from, to: from },
    { from: to, to: range.to },
  ].flatMap(nonEmpty);
}

/** Those that overlap, or touch, as one. */
function united(ranges: readonly Range[]): readonly Range[] {
  const all: Range[] = [];
  for (const range of ranges.toSorted((a, b) => microseconds(a.from) - microseconds(b.from))) {
    const last = all.at(-1);
    if (last && !isBefore(last.to, range.from)) all[all.length - 1] = { from: last.from, to: later(last.to, range.to) };
    else all.push(range);
  }
  return all;
}

function later(one: string, two: string | null): string {
  return two !== null && isBefore(one, two) ? two : one;
}

function isBefore(one: string, two: string): boolean {
  return microseconds(one) < microseconds(two);
}
