/** The sample's private Redis, made once. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SamplePlace } from '../place.ts';

const ROLES = new URL('../../../roles/redis.acl', import.meta.url);

/** The password of the user that backs up. */
export function passwordFile({ keys }: Pick<SamplePlace, 'keys'>): string {
  return path.join(keys, 'redis.password');
}

/** Its configuration: the line of infra/roles for method stream, with the digest of the password at its end. */
export function configFile({ redis }: Pick<SamplePlace, 'redis'>): string {
  return path.join(redis, 'redis.conf');
}

export async function makeDataFolder(place: SamplePlace): Promise<void> {
  await mkdir(place.redis, { mode: 0o700 });
  await mkdir(place.keys, { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  const digest = createHash('sha256').update(password).digest('hex');
  const line = /^user mosaic_backup .*$/m.exec(await readFile(ROLES, 'utf8'))?.[0];
  if (line === undefined) throw new TypeError('infra/roles/redis.acl has a line for user mosaic_backup');
  await writeFile(passwordFile(place), `${password}\n`, { mode: 0o600 });
  await writeFile(configFile(place), `${line} #${digest}\n`, { mode: 0o600 });
}
