/** What a benchmark found out, and how it is judged. */
import { median } from './statistics.ts';

export type Unit = 's' | 'ms' | 'MB' | 'KB' | 'MB/s' | 'events';

/** One row: a contender's runs. */
export interface Series {
  readonly name: string;
  readonly settings: string;
  /** One value a run, in the order of the runs. */
  readonly runs: readonly number[];
  /** Medians over the runs, in bytes; null where it is not looked at. */
  readonly stored: number | null;
  readonly worker: number | null;
  readonly programs: number | null;
  /** For a peer: what our median divided by its own may be at most. For us: what our median may be at most. */
  readonly goal: number | null;
}

export interface Result {
  /** Stable, for `--only` and for who reads the JSON. */
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Series;
  readonly peers: readonly Series[];
  /** What must be known to read the figures. */
  readonly notes: readonly string[];
}

/** Our median divided by the peer's: below 1 is faster. */
export function ratio(ours: Series, peer: Series): number {
  return median(ours.runs) / median(peer.runs);
}

/** Whether a row reaches its goal; null where it has none. */
export function reached({ ours }: Result, series: Series): boolean | null {
  if (series.goal === null) return null;
  return (series === ours ? median(ours.runs) : ratio(ours, series)) <= series.goal;
}

/** Whether all goals are reached; null where there is none. */
export function met(result: Result): boolean | null {
  const judged = [result.ours, ...result.peers].map((series) => reached(result, series));
  if (judged.every((each) => each === null)) return null;
  return judged.every((each) => each !== false);
}

/** A row of the JSON; `goal` holds the greatest median and the greatest ratios. */
export function asJson(result: Result): object {
  const { name, unit, ours, peers } = result;
  return {
    name,
    unit,
    median: median(ours.runs),
    runs: ours.runs,
    ratios: Object.fromEntries(peers.map((peer) => [peer.name, ratio(ours, peer)])),
    goal: {
      median: ours.goal,
      ratios: Object.fromEntries(peers.flatMap(({ name, goal }) => (goal === null ? [] : [[name, goal]]))),
    },
    met: met(result),
    ...memoryAndSize(ours),
    peers: Object.fromEntries(
      peers.map((peer) => [
        peer.name,
        { median: median(peer.runs), runs: peer.runs, settings: peer.settings, ...memoryAndSize(peer) },
      ]),
    ),
  };
}

function memoryAndSize({ stored, worker, programs }: Series): object {
  return { storedBytes: stored, peakMemoryBytes: { worker, programs } };
}
