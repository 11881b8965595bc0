/** What a server says of itself, before a capture: what findings and the manifest are made of. */
import { z } from 'zod';
import type { Session } from './session.ts';

const SETTINGS = [
  'block_size',
  'config_file',
  'data_checksums',
  'data_directory',
  'fsync',
  'full_page_writes',
  'hba_file',
  'idle_replication_slot_timeout',
  'max_replication_slots',
  'max_slot_wal_keep_size',
  'max_wal_senders',
  'server_version',
  'shared_preload_libraries',
  'summarize_wal',
  'wal_level',
  'wal_segment_size',
] as const;
export type SettingName = (typeof SETTINGS)[number];

const server = z.object({
  systemId: z.string(),
  timeline: z.coerce.number(),
  inRecovery: z.boolean(),
  /** Its clock, RFC 3339 in UTC. */
  clock: z.string(),
  /** version(): with platform and compiler. */
  build: z.string(),
  slotsUsed: z.coerce.number(),
  sendersUsed: z.coerce.number(),
  role: z.string(),
  superuser: z.boolean(),
  replication: z.boolean(),
  monitor: z.boolean(),
  /** Whether the role may close WAL segments and make restore points. */
  marks: z.boolean(),
});

const database = z.object({
  name: z.string(),
  bytes: z.coerce.number().nullable(),
  encoding: z.string(),
  collate: z.string(),
  /** The locale provider: c, i, b. */
  provider: z.string(),
  /** Version of the collation library that its indexes were made with; null for C. */
  collationVersion: z.string().nullable(),
  actualVersion: z.string().nullable(),
  allowsConnections: z.boolean(),
  mayConnect: z.boolean(),
});
export type Database = z.infer<typeof database>;

const tablespace = z.object({ oid: z.string(), name: z.string(), location: z.string() });
export type Tablespace = z.infer<typeof tablespace>;

const collation = z.object({ provider: z.string(), version: z.string() });

export interface Facts extends z.infer<typeof server> {
  /** 150018 is 15.18. */
  readonly versionNumber: number;
  /** Those that the role may see. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
  readonly databases: readonly Database[];
  /** Besides pg_default and pg_global. */
  readonly tablespaces: readonly Tablespace[];
  /** Versions of the collation libraries, by provider. */
  readonly collations: readonly z.infer<typeof collation>[];
}

/** The oldest server that this source type knows: pg_amcheck and pg_verifybackup came with it. */
export const OLDEST = 140000;

/** Asks a server for all that preflight looks at and the manifest records. */
export async function gatherFacts(session: Session): Promise<Facts> {
  const [found] = await session.rows(server, SERVER);
  if (!found) throw new TypeError('a query for one row gave none');
  const settings = await session.rows(
    z.object({ name: z.enum(SETTINGS), value: z.string() }),
    'SELECT name, setting AS value FROM pg_settings WHERE name = ANY ($1)',
    [SETTINGS],
  );
  return {
    ...found,
    versionNumber: session.version,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    databases: await session.rows(database, databasesQuery(session.version)),
    tablespaces: await session.rows(tablespace, TABLESPACES),
    collations: await session.rows(collation, COLLATIONS),
  };
}

export function majorOf(versionNumber: number): number {
  return Math.floor(versionNumber / 10_000);
}

const SERVER = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId",
         (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
         pg_is_in_recovery() AS "inRecovery",
         to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS clock,
         version() AS build,
         (SELECT count(*) FROM pg_replication_slots) AS "slotsUsed",
         (SELECT count(*) FROM pg_stat_get_wal_senders()) AS "sendersUsed",
         current_user::text AS role, rolsuper AS superuser, rolreplication AS replication,
         pg_has_role(current_user, 'pg_monitor', 'USAGE') AS monitor,
         has_function_privilege('pg_catalog.pg_switch_wal()', 'EXECUTE')
           AND has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE') AS marks
    FROM pg_roles WHERE rolname = current_user`;

// pg_database_size wants CONNECT or pg_monitor, and fails without: asked only where one is there.
function databasesQuery(version: number): string {
  const versions =
    version >= 150000
      ? 'datcollversion AS "collationVersion", pg_database_collation_actual_version(oid) AS "actualVersion", datlocprovider AS provider'
      : `NULL AS "collationVersion", NULL AS "actualVersion", 'c' AS provider`;
  return `
    SELECT datname::text AS name, pg_encoding_to_char(encoding) AS encoding, datcollate::text AS collate, ${versions},
           datallowconn AS "allowsConnections",
           has_database_privilege(oid, 'CONNECT') AS "mayConnect",
           CASE WHEN has_database_privilege(oid, 'CONNECT') OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
                THEN pg_database_size(oid) END AS bytes
      FROM pg_database ORDER BY datname`;
}

const TABLESPACES = `
  SELECT oid::text AS oid, spcname::text AS name, pg_tablespace_location(oid) AS location
    FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY oid`;

const COLLATIONS = `
  SELECT DISTINCT collprovider::text AS provider, pg_collation_actual_version(oid) AS version
    FROM pg_collation WHERE collprovider IN ('c', 'i') AND pg_collation_actual_version(oid) IS NOT NULL ORDER BY 1, 2`;
