/** The lines of pg_hba.conf and pg_ident.conf that admit a role, as in infra/roles, for remedies. */
import { userInfo } from 'node:os';
import { isSocket, type Connection } from './connection.ts';

/** Name of the map of infra/roles/postgres-pg_ident.conf. */
const MAP = 'mosaic';

/** The pg_hba.conf line for `all` databases or for `replication`. */
export function hbaLine({ host, user }: Pick<Connection, 'host' | 'user'>, database: 'all' | 'replication'): string {
  if (isSocket(host)) return `local ${database} ${user} peer map=${MAP}`;
  return `hostssl ${database} ${user} ADDRESS/32 scram-sha-256`;
}

/** The pg_ident.conf line that lets this process's user be a role; for a container, the user of programs inside. */
export function identLine({ user, reached }: Pick<Connection, 'user' | 'reached'>): string {
  return `${MAP} ${reached?.container.runsAs ?? userInfo().username} ${user}`;
}
