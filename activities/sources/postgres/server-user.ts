/** The user that private PostgreSQL servers run as. */
import { serverUserOf, type ServerUser } from '../private-server/user.ts';

/** `postgres` where there is one, else `nobody`; undefined when this process is not root and stays itself. */
export function serverUser(): Promise<ServerUser | undefined> {
  return serverUserOf('PostgreSQL', ['postgres', 'nobody']);
}
