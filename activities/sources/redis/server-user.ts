/** The user that private Redis servers run as. */
import { serverUserOf, type ServerUser } from '../private-server/user.ts';

/** `redis` where there is one, else `valkey` or `nobody`; undefined when this process is not root and stays itself. */
export function redisUser(): Promise<ServerUser | undefined> {
  return serverUserOf('Redis', ['redis', 'valkey', 'nobody']);
}
