/** The canary of a Redis source: the value of one key. */
import { z } from 'zod';
import type { RedisSource } from '../../../model/config/source.ts';
import { asAccount } from '../accounts.ts';
import type { SourceContext } from '../types.ts';
import { command, type Asking } from './client.ts';
import { backupConnection } from './connection.ts';
import { rfc3339 } from './position.ts';

const KEY = 'mosaic-backup:canary';

export const CANARY = {
  file: 'infra/roles/redis-canary.acl',
  command: "sed -n 's/^user mosaic_canary /ACL SETUSER mosaic_canary /p' infra/roles/redis-canary.acl | redis-cli",
} as const;

/** What TIME answers: seconds and microseconds, a line each. */
const clock = z.tuple([z.coerce.number(), z.coerce.number()]);

/** Sets the key to the time of the server's clock. Nothing where the config has no canary. */
export async function beat({ config, readSecret, work }: SourceContext<RedisSource>): Promise<void> {
  if (!config.canary) return;
  const connection = await asAccount(config.canary, await backupConnection(config, readSecret), readSecret);
  const asking = { connection, signal: work.signal };
  const [seconds, micros] = clock.parse((await command(asking, ['TIME'])).split('\n'));
  await command(asking, ['SET', KEY, rfc3339(seconds * 1000 + Math.floor(micros / 1000))]);
}

/** Its value in a server, RFC 3339; undefined where there is none, or nothing that a canary has written. */
export async function newestBeat(asking: Asking): Promise<string | undefined> {
  // The name of a key may be taken by something else.
  if ((await command(asking, ['TYPE', KEY])) !== 'string') return undefined;
  return z.iso.datetime().safeParse(await command(asking, ['GET', KEY])).data;
}
