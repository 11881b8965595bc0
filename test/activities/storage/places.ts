/** Where a backup of `test/support/backups.ts` belongs. */
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import type { BackupPlace } from '../../../model/paths.ts';

/** The place of a backup of a database. */
export function placeOf({ manifest }: Catalogued): BackupPlace {
  const { source, tier, id } = manifest;
  return { source, group: 'databases', tier: tier ?? 'daily', id };
}
