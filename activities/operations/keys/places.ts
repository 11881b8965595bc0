/** The places of a site by their names, as rotations and checks of keys walk through them. */
import { REPOSITORY } from '../../../model/rotation.ts';
import type { Site } from '../../site.ts';
import { openDestination } from '../../storage/destinations.ts';
import { openRepository } from '../../storage/repository.ts';
import type { WritableStore } from '../../storage/types.ts';

/** @throws BackupError `not-found` for a place that there is not, `unreachable`. */
export async function openPlaceNamed(site: Site, place: string): Promise<WritableStore> {
  return place === REPOSITORY ? openRepository(site) : openDestination(place, site);
}

export function placeNames({ config }: Pick<Site, 'config'>): readonly string[] {
  return [REPOSITORY, ...Object.keys(config.destinations)];
}
