import { smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { destinationConformance } from './conformance.ts';
import type { Place } from './conformance.ts';
import { folderPlace } from './folder-place.ts';

async function directoryPlace(bytes: number): Promise<Place> {
  const root = await smallFileSystem(String(bytes));
  const state = await temporaryFolder();
  return {
    context: { name: 'vault', config: { type: 'directory', path: root }, site: 'test', state },
    ...folderPlace(root),
  };
}

destinationConformance('directory', directoryPlace);
