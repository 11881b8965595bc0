/** The user that private MariaDB servers run as. */
import { serverUserOf, type ServerUser } from '../private-server/user.ts';

/** `mysql` where there is one, else `nobody`; undefined when this process is not root and stays itself. */
export function serverUser(): Promise<ServerUser | undefined> {
  return serverUserOf('MariaDB', ['mysql', 'nobody']);
}
