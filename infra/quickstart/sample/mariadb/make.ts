/** The sample's private MariaDB, made once. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDataFolder } from '../../../../activities/sources/mariadb/server.ts';
import type { SamplePlace } from '../place.ts';

/** The password of the backup account: it has one, since this process is hardly run by a user `mosaic_backup`. */
export function passwordFile({ keys }: Pick<SamplePlace, 'keys'>): string {
  return path.join(keys, 'mariadb.password');
}

/** Makes the data folder with its system tables; whoever runs this is its administrator, by socket. */
export async function makeDataFolder(place: SamplePlace, signal: AbortSignal): Promise<void> {
  await mkdir(place.mariadb, { mode: 0o700 });
  await mkdir(place.keys, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile(place), `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  await createDataFolder({ data: place.mariadb, signal });
}
