/** What can happen to a place that is a folder of this machine, on a small file system of its own. */
import assert from 'node:assert/strict';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../../activities/storage/fs-errors.ts';
import { remount, unmount } from '../../support/folders.ts';
import type { Place } from './conformance.ts';

/** @param root made by `smallFileSystem`. */
export function folderPlace(root: string): Omit<Place, 'context'> {
  return {
    async damage(key) {
      const file = await open(path.join(root, key), 'r+');
      const { mtime, atime } = await file.stat();
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 500);
      await file.write(Buffer.from([byte.readUInt8() ^ 1]), 0, 1, 500);
      // As a disk damages it: without a trace in its time.
      await file.utimes(atime, mtime);
      await file.close();
    },
    async fill() {
      const filler = await open(path.join(root, '.filler'), 'a');
      try {
        for (;;) await filler.write(Buffer.alloc(65_536));
      } catch (error) {
        assert.equal(errnoOf(error), 'ENOSPC');
      } finally {
        await filler.close();
      }
    },
    forbid: async () => remount(root, 'ro'),
    remove: async () => unmount(root),
    async stored() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && !['.mosaic-backup.json', '.filler'].includes(entry.name))
        .length;
    },
  };
}
