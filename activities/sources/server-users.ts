/** Whom private servers of each type run as on this machine. */
import type { SourceType } from '../../model/source.ts';
import { serverUser as mariadbUser } from './mariadb/server-user.ts';
import { serverUser as postgresUser } from './postgres/server-user.ts';
import type { ServerUser } from './private-server/user.ts';
import { redisUser } from './redis/server-user.ts';

const USERS: Readonly<Partial<Record<SourceType, () => Promise<ServerUser | undefined>>>> = {
  postgres: postgresUser,
  mariadb: mariadbUser,
  redis: redisUser,
};

export interface RunsAs {
  readonly type: SourceType;
  /** Undefined: this process stays itself. */
  readonly user: ServerUser | undefined;
}

/** Of those types that have servers. @throws BackupError `refused` where this machine has no user for one. */
export async function serverUsers(types: readonly SourceType[]): Promise<readonly RunsAs[]> {
  const known = [...new Set(types)].flatMap((type) => {
    const userOf = USERS[type];
    return userOf ? [{ type, userOf }] : [];
  });
  return Promise.all(known.map(async ({ type, userOf }) => ({ type, user: await userOf() })));
}
