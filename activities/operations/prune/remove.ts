/** Deletion of one backup in two steps: its manifest, so that it is listed nowhere any more, then everything else. */
import { MANIFEST } from '../../../model/paths.ts';
import type { KeptBackup } from '../../../model/retention/types.ts';
import type { Pruner, Store } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

export interface Removing {
  readonly store: Store;
  readonly pruner: Pruner;
}

/**
 * The first step. Killed behind it a folder without a manifest is left, which the record of this deletion names.
 * @throws BackupError `refused` where a lock keeps it, `access-denied`, `unreachable`, `aborted`.
 */
export async function removeManifest({ pruner }: Removing, folder: string, work: Work): Promise<void> {
  work.signal.throwIfAborted();
  await pruner.remove(`${folder}/${MANIFEST}`);
}

/** The second step. Not cancelled: it is quick, and half of it helps nobody. */
export async function removeRest({ store, pruner }: Removing, folder: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(folder, { struckOff: true })) keys.push(key);
  for (const key of keys) await pruner.remove(key);
}

/** Children before their parents, and of others the oldest first: killed anywhere, no child is left without its parent. */
export function childrenFirst(backups: readonly KeptBackup[]): readonly KeptBackup[] {
  const byReference = new Map(backups.map((backup) => [backup.reference, backup]));
  const depths = new Map<string, number>();
  function depthOf(backup: KeptBackup): number {
    const known = depths.get(backup.reference);
    if (known !== undefined) return known;
    // Of a circle, which no digest allows, the first that was looked at counts as its beginning.
    depths.set(backup.reference, 0);
    const parent = backup.parent === null ? undefined : byReference.get(backup.parent);
    const depth = parent ? depthOf(parent) + 1 : 0;
    depths.set(backup.reference, depth);
    return depth;
  }
  return backups.toSorted((a, b) => depthOf(b) - depthOf(a) || a.scheduled - b.scheduled);
}
