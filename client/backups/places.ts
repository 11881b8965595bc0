/** The places of a site that hold backups: its repository and its destinations. */
import type { Site } from '../../activities/site.ts';
import type { WritableStore } from '../../activities/storage/types.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { openRepository } from '../../activities/storage/repository.ts';

/** How lists name the repository among the destinations. */
export const REPOSITORY = 'repository';

export interface OpenPlace {
  /** `repository`, or the destination's name. */
  readonly name: string;
  readonly store: WritableStore;
}

/** @param destination null for the repository. */
export async function openPlace(site: Site, destination: string | null): Promise<OpenPlace> {
  if (destination === null) return { name: REPOSITORY, store: await openRepository(site) };
  return { name: destination, store: openDestination(destination, site) };
}
