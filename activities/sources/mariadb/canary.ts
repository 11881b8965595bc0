/** The canary of a MariaDB source: rows of mosaic_backup_canary.beats. */
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import { asAccount } from '../accounts.ts';
import type { SourceContext } from '../types.ts';
import { backupConnection, type Connection } from './connection.ts';
import { rows, run } from './session.ts';

const TABLE = 'mosaic_backup_canary.beats';

export const CANARY = {
  file: 'infra/roles/mariadb-canary.sql',
  command: 'mariadb < infra/roles/mariadb-canary.sql',
} as const;

/** Writes a row, and deletes those of more than a day ago. Nothing where the config has no canary. */
export async function beat({ config, readSecret, work }: SourceContext<MariadbSource>): Promise<void> {
  if (!config.canary) return;
  const connection = await asAccount(config.canary, await backupConnection(config, readSecret), readSecret);
  const write = `INSERT INTO ${TABLE} VALUES (UTC_TIMESTAMP(6))`;
  const sweep = `DELETE FROM ${TABLE} WHERE at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY`;
  await run(connection, `SET SESSION max_statement_time = 10; ${write}; ${sweep}`, { signal: work.signal });
}

const found = z.object({ there: z.number() });
const newest = z.object({ at: z.iso.datetime().nullable() });

/** The newest row in a server, RFC 3339; undefined where there is none. */
export async function newestBeat(connection: Connection, signal: AbortSignal): Promise<string | undefined> {
  const where = `table_schema = 'mosaic_backup_canary' AND table_name = 'beats'`;
  const look = `SELECT JSON_OBJECT('there', COUNT(*)) FROM information_schema.tables WHERE ${where}`;
  const [table] = await rows(connection, found, look, { signal });
  if (table?.there !== 1) return undefined;
  const ask = `SELECT JSON_OBJECT('at', DATE_FORMAT(MAX(at), '%Y-%m-%dT%H:%i:%s.%fZ')) FROM ${TABLE}`;
  const [row] = await rows(connection, newest, ask, { signal });
  return row?.at ?? undefined;
}
