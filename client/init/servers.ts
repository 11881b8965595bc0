/** Every database server that runs on this machine. */
import type { FoundServer } from './found.ts';
import { findMariadb } from './mariadb.ts';
import { findPostgres } from './postgres.ts';
import { findRedis } from './redis.ts';

export async function findServers(): Promise<readonly FoundServer[]> {
  const found = await Promise.all([findPostgres(), findMariadb(), findRedis()]);
  return found.flat();
}
