/** Sessions in the sample's shop, as its administrator. */
import type { PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import { openSession, withSession, type Session } from '../../../../activities/sources/postgres/session.ts';

export const SUPERUSER = 'postgres';
export const DATABASE = 'shop';
export const APPLICATION = 'mosaic-backup sample';

/** A session in the shop as its administrator. */
export function openShop(server: Pick<PrivateServer, 'connection'>, signal: AbortSignal): Promise<Session> {
  return openSession(server.connection, { application: APPLICATION, database: DATABASE, signal });
}

export async function withShop<Result>(
  server: Pick<PrivateServer, 'connection'>,
  signal: AbortSignal,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  return withSession(server.connection, { application: APPLICATION, database: DATABASE, signal }, use);
}
