/** What was seen at a place, for recovery points to be compared with: folders, and the oldest of each source and tier. */
import path from 'node:path';
import { parseBackupId } from '../../../model/paths.ts';

export interface Seen {
  add(folder: string): void;
  has(folder: string): boolean;
  /** Whether beside this folder there is a backup that is older. */
  hasOlder(folder: string, scheduled: string): boolean;
}

/** Nothing yet. */
export function seenSoFar(): Seen {
  const folders = new Set<string>();
  const oldest = new Map<string, string>();
  return {
    add(folder) {
      folders.add(folder);
      const [beside, scheduled] = [path.posix.dirname(folder), parseBackupId(path.posix.basename(folder))?.scheduled];
      const known = oldest.get(beside);
      if (scheduled !== undefined && (known === undefined || scheduled < known)) oldest.set(beside, scheduled);
    },
    has: (folder) => folders.has(folder),
    hasOlder: (folder, scheduled) => (oldest.get(path.posix.dirname(folder)) ?? scheduled) < scheduled,
  };
}
