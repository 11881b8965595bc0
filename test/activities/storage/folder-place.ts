/** What can happen to a place that is a folder of this machine, on a small file system of its own. */
import { readdir, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { damageFile, fillDisk } from '../../support/damage.ts';
import { remount, unmount } from '../../support/folders.ts';
import type { Place } from './conformance.ts';

/** @param root made by `smallFileSystem`. */
export function folderPlace(root: string): Omit<Place, 'context'> {
  return {
    async damage(key) {
      const file = path.join(root, key);
      const { atime, mtime } = await stat(file);
      await damageFile(file);
      // As a disk damages it: without a trace in its time.
      await utimes(file, atime, mtime);
    },
    fill: () => fillDisk(path.join(root, '.filler')),
    forbid: async () => remount(root, 'ro'),
    remove: async () => unmount(root),
    async stored() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && !['.mosaic-backup.json', '.filler'].includes(entry.name))
        .length;
    },
  };
}
