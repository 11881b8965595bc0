/** The places of a site as repair reads and writes them. */
import type { Site } from '../../site.ts';
import { openDestination } from '../../storage/destinations.ts';
import { putFile } from '../../storage/put-file.ts';
import { openRepository, prepareRepository } from '../../storage/repository.ts';
import type { RepairPlace } from './types.ts';

/** How lists name the repository among the destinations. */
const REPOSITORY = 'repository';

/** @param destination null for the repository. */
export async function repairPlace(site: Site, destination: string | null): Promise<RepairPlace> {
  if (destination === null) return repository(site);
  const store = openDestination(destination, site);
  return {
    name: destination,
    destination,
    store,
    put: (key, file, expected, work, options) => store.put(key, file, expected, work, options),
  };
}

async function repository(site: Site): Promise<RepairPlace> {
  const store = await openRepository(site);
  return {
    name: REPOSITORY,
    destination: null,
    store,
    file: (key) => store.file(key),
    async put(key, file, expected, work) {
      await prepareRepository(site);
      // Sees that the key stays below the root.
      store.file(key);
      await putFile({ root: site.repository, key, file, expected, to: REPOSITORY, work });
    },
  };
}
