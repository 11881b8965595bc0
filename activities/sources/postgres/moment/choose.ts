/**
 * Where a recovery must stop to show what snapshots showed. Pure.
 *
 * A recovery shows a prefix of the WAL: each transaction whose commit record it has replayed. A snapshot shows each
 * transaction that had left the list of running ones when it was taken; that happens after its commit record was
 * written, and for two transactions maybe in the other order (one waits for its fsync or a standby, the other does
 * not). So a snapshot is no LSN: what it shows is there before it in the WAL, but of what was written just before it
 * something may not have been shown. Only by comparing the commit records themselves with the snapshot is a place
 * found whose prefix is exactly what it showed: no commit before it that it did not show, none behind it that it did.
 */
import type { Commit, Commits } from './commits.ts';
import { shows, type Snapshot } from './snapshot.ts';

/** A place in the WAL, and the commits in which it differs from each snapshot. */
export interface Place {
  /** A recovery stops before the record that begins here. */
  readonly lsn: string;
  /** By database: shown by the snapshot but not yet replayed, or replayed and not shown. Empty: exactly the same. */
  readonly differing: ReadonlyMap<string, readonly Commit[]>;
}

/**
 * The place with the least difference over all databases; `weigh` says how much a commit matters to one of them.
 * A transaction changes one database only, so with weights a place may be exact for all though their snapshots differ.
 */
export function choosePlace(
  { list, end }: Commits,
  snapshots: ReadonlyMap<string, Snapshot>,
  weigh: (commit: Commit, database: string) => number = () => 1,
): Place {
  // Before all of them each one that is shown is lacking; with each step one is replayed.
  let cost = 0;
  const steps = list.map((commit) => {
    let step = 0;
    for (const [database, snapshot] of snapshots) {
      const weight = weigh(commit, database);
      if (shows(snapshot, commit.xid)) {
        cost += weight;
        step -= weight;
      } else step += weight;
    }
    return step;
  });
  let [best, least] = [0, cost];
  for (const [index, step] of steps.entries()) {
    cost += step;
    if (cost < least) [best, least] = [index + 1, cost];
  }
  const differing = new Map<string, readonly Commit[]>();
  for (const [database, snapshot] of snapshots) {
    const found = list.filter(
      (commit, index) => index < best !== shows(snapshot, commit.xid) && weigh(commit, database) > 0,
    );
    differing.set(database, found);
  }
  return { lsn: list[best]?.lsn ?? end, differing };
}

export function isExact({ differing }: Place): boolean {
  return [...differing.values()].every((commits) => commits.length === 0);
}
