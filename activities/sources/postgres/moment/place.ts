/** The place in a range of WAL that shows what snapshots showed, as far as there is one. */
import { choosePlace, isExact, type Place } from './choose.ts';
import { readCommits, type WalFolder } from './commits.ts';
import type { Mark } from './mark.ts';
import type { Snapshot } from './snapshot.ts';
import { readTouched, weightIn, type Touched } from './touched.ts';

/** The snapshot of each database, and its OID. */
export type Seen = ReadonlyMap<string, { readonly oid: string; readonly snapshot: Snapshot }>;

export interface Found {
  readonly place: Place;
  /** What the commits have written to in which place and snapshots differ; empty where there are none. */
  readonly touched: Touched;
}

/** @throws BackupError `verification-failed` where the WAL cannot be read up to the mark's end. */
export async function findPlace(folder: WalFolder, mark: Mark, seen: Seen): Promise<Found> {
  const commits = await readCommits(folder, mark);
  const snapshots = new Map([...seen].map(([database, { snapshot }]) => [database, snapshot]));
  const place = choosePlace(commits, snapshots);
  if (isExact(place)) return { place, touched: new Map() };
  // A second look, at all records: what it costs is only worth it now.
  const touched = await readTouched(folder, mark, commits.list);
  const weighed = choosePlace(commits, snapshots, ({ xid }, database) =>
    weightIn(seen.get(database)?.oid ?? '', touched.get(xid)),
  );
  return { place: weighed, touched };
}
