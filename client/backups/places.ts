/** The places of a site that hold backups: its repository and its destinations. */
import type { Site } from '../../activities/site.ts';
import type { WritableStore } from '../../activities/storage/types.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { readableFirst } from '../../model/config/destinations/thaw.ts';
import { BackupError } from '../../model/errors.ts';

/** How lists name the repository among the destinations. */
export const REPOSITORY = 'repository';

export interface OpenPlace {
  /** `repository`, or the destination's name. */
  readonly name: string;
  readonly store: WritableStore;
}

/**
 * @param destination null for the repository.
 * @throws BackupError `unreachable` where the repository is gone, with where copies are.
 */
export async function openPlace(site: Site, destination: string | null): Promise<OpenPlace> {
  if (destination !== null) return { name: destination, store: openDestination(destination, site) };
  try {
    return { name: REPOSITORY, store: await openRepository(site) };
  } catch (error) {
    throw withCopies(error, readableFirst(site.config.destinations));
  }
}

/** What is asked for first at night: where else the backups are. */
function withCopies(error: unknown, [name]: readonly string[]): unknown {
  if (!(error instanceof BackupError) || error.code !== 'unreachable' || name === undefined) return error;
  const { code, message, remedy = '', facts } = error;
  return new BackupError(code, message, {
    remedy: `Use a copy: restore … --from ${name}, verify … --destination ${name}. To have it back: ${remedy}`,
    facts,
    cause: error,
  });
}
