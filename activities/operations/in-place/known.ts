/** Everything that is known of a source: numbers that were given once must not be given again. */
import { BackupError } from '../../../model/errors.ts';
import type { Site } from '../../site.ts';
import { listBackups, type Catalogued } from '../../storage/catalogue.ts';
import { openRepository } from '../../storage/repository.ts';
import type { Store } from '../../storage/types.ts';

/** At the place that is restored from, and in the repository, which may have more. */
export async function everythingOf(site: Site, store: Store, source: string): Promise<readonly Catalogued[]> {
  const repository = await openRepository(site).then(
    (local) => listBackups(local),
    (error: unknown) => {
      if (error instanceof BackupError) return [];
      throw error;
    },
  );
  return [...(await listBackups(store)), ...repository].filter(({ manifest }) => manifest.source === source);
}
