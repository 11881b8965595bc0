/** What `restore --path` means of a backup, before anything is fetched but its inventory. */
import { readInventory } from '../../sources/files/inventory.ts';
import { meantBy } from '../../sources/files/path-globs.ts';
import { openBackup, type OpenOptions } from '../reader.ts';

export interface Selected {
  /** The top of each tree, from the root without the leading slash. */
  readonly tops: readonly string[];
  readonly entries: number;
  readonly bytes: number;
  /** What of it changed, vanished or could not be read while it was captured: it comes as it was read, or not at all. */
  readonly unsettled: readonly string[];
}

/** @throws BackupError `not-found` for a path, or a glob, that means nothing; as `openBackup`. */
export async function selectPaths({
  paths,
  ...open
}: OpenOptions & { readonly paths: readonly string[] }): Promise<Selected> {
  const inventory = await readInventory(await openBackup(open));
  const tops = [...new Set(paths.flatMap((asked) => meantBy(asked, inventory.keys())))];
  const wanted = new Set(tops);
  let entries = 0;
  let bytes = 0;
  const doubtful: string[] = [];
  for (const { path, size, unsettled } of inventory.values()) {
    const isWanted =
      wanted.has(path) || [...path.matchAll(/\//g)].some(({ index }) => wanted.has(path.slice(0, index)));
    if (!isWanted) continue;
    entries += 1;
    bytes += size;
    if (unsettled === true) doubtful.push(path);
  }
  return { tops, entries, bytes, unsettled: doubtful };
}
