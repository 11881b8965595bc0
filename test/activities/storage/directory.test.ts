import assert from 'node:assert/strict';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { remount, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { errnoOf } from '../../../activities/storage/fs-errors.ts';
import { destinationConformance } from './conformance.ts';
import type { Place } from './conformance.ts';

async function directoryPlace(bytes: number): Promise<Place> {
  const root = await smallFileSystem(String(bytes));
  const state = await temporaryFolder();
  return {
    context: { name: 'vault', config: { type: 'directory', path: root }, site: 'test', state },
    async damage(key) {
      const file = await open(path.join(root, key), 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 500);
      await file.write(Buffer.from([byte.readUInt8() ^ 1]), 0, 1, 500);
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

destinationConformance('directory', directoryPlace);
