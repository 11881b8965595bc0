/** The canary of a PostgreSQL source: rows of mosaic_backup_canary.beats. */
import { z } from 'zod';
import { asAccount } from '../accounts.ts';
import type { CanaryOf } from '../canary.ts';
import type { SourceContext } from '../types.ts';
import { backupConnection, type Connection } from './connection.ts';
import type { ReachableSource } from './reach.ts';
import { withSession } from './session.ts';

const APPLICATION = 'mosaic-backup canary';
const TABLE = 'mosaic_backup_canary.beats';

/** How its role is made in the database of a source. */
export function canaryOf({ connection }: ReachableSource): CanaryOf {
  const file = 'infra/roles/postgres-canary.sql';
  return { file, command: `psql -d ${connection.database} -f ${file}` };
}

/** Writes a row, and deletes those of more than a day ago. Nothing where the config has no canary. */
export async function beat({ config, readSecret, work }: SourceContext<ReachableSource>): Promise<void> {
  if (!config.canary) return;
  const connection = await asAccount(config.canary, await backupConnection(config, readSecret), readSecret);
  await withSession(connection, { application: APPLICATION, signal: work.signal }, async (session) => {
    // Its time is worth no wait for a standby, or for whoever has locked it.
    await session.run("SET synchronous_commit = local; SET statement_timeout = '10s'");
    await session.run(`INSERT INTO ${TABLE} VALUES (pg_catalog.clock_timestamp())`);
    await session.run(`DELETE FROM ${TABLE} WHERE at < pg_catalog.clock_timestamp() - interval '1 day'`);
  });
}

const newest = z.object({ at: z.date().nullable() });
const there = z.object({ there: z.boolean() });

/** The newest row in a database, RFC 3339; undefined where there is none. */
export async function newestBeat(connection: Connection, signal: AbortSignal): Promise<string | undefined> {
  return withSession(connection, { application: APPLICATION, signal }, async (session) => {
    const [table] = await session.rows(there, `SELECT pg_catalog.to_regclass('${TABLE}') IS NOT NULL AS there`);
    if (table?.there !== true) return undefined;
    const [row] = await session.rows(newest, `SELECT max(at) AS at FROM ${TABLE}`);
    return row?.at?.toISOString();
  });
}
