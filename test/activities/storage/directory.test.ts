import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { damageFile, fillDisk } from '../../support/damage.ts';
import { remount, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { destinationConformance } from './conformance.ts';
import type { Place } from './conformance.ts';

async function directoryPlace(bytes: number): Promise<Place> {
  const root = await smallFileSystem(String(bytes));
  const state = await temporaryFolder();
  return {
    context: { name: 'vault', config: { type: 'directory', path: root }, site: 'test', state },
    damage: (key) => damageFile(path.join(root, key)),
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

destinationConformance('directory', directoryPlace);
