/** What a server says of itself, before a capture: what findings and the manifest are made of. */
import { z } from 'zod';
import type { Connection } from './connection.ts';
import { literal, rows, run, type SessionOptions } from './session.ts';

const SETTINGS = [
  'BINLOG_EXPIRE_LOGS_SECONDS',
  'BINLOG_FORMAT',
  'CHARACTER_SET_SERVER',
  'COLLATION_SERVER',
  'DATADIR',
  'EVENT_SCHEDULER',
  'GTID_STRICT_MODE',
  'INNODB_DATA_FILE_PATH',
  'INNODB_DATA_HOME_DIR',
  'INNODB_FLUSH_LOG_AT_TRX_COMMIT',
  'INNODB_LOG_GROUP_HOME_DIR',
  'INNODB_PAGE_SIZE',
  'INNODB_UNDO_DIRECTORY',
  'LOG_BIN',
  'LOWER_CASE_TABLE_NAMES',
  'SQL_MODE',
  'SYNC_BINLOG',
  'VERSION',
  'VERSION_COMPILE_MACHINE',
] as const;
export type SettingName = (typeof SETTINGS)[number];

const plugin = z.object({ name: z.string(), type: z.string(), library: z.string() });
export type Plugin = z.infer<typeof plugin>;

const variable = z.object({ name: z.string(), value: z.string() });

/** Where a server is in its redo log, its binary logs and its time. */
const standing = z.object({
  lsn: z.coerce.string(),
  /** GTIDs of the last transactions in the binary log, of each domain one. Empty where there are none. */
  gtid: z.string(),
  /** RFC 3339, UTC, by the server's clock, to which the times of its binary log belong. */
  clock: z.string(),
});
export type Standing = z.infer<typeof standing>;

export interface Facts extends Standing {
  /** `10.11.19-MariaDB-0+deb12u1-log` */
  readonly version: string;
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
  /** Those that were loaded from a library: engines, encryption, ways of logging in. */
  readonly plugins: readonly Plugin[];
  /** As SHOW GRANTS lists them. */
  readonly grants: readonly string[];
}

/** The oldest series that this source type knows: BINLOG MONITOR came with 10.5, and 10.6 is the oldest in upkeep. */
export const OLDEST = [10, 6] as const;

/** Asks a server for all that preflight looks at and the manifest records. */
export async function gatherFacts(connection: Connection, options: SessionOptions): Promise<Facts> {
  const names = SETTINGS.map((name) => literal(name)).join(', ');
  const found = await rows(
    connection,
    variable,
    `SELECT JSON_OBJECT('name', VARIABLE_NAME, 'value', VARIABLE_VALUE)
       FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME IN (${names})`,
    options,
  );
  const settings: Readonly<Partial<Record<SettingName, string>>> = Object.fromEntries(
    found.map(({ name, value }) => [name, value]),
  );
  return {
    version: settings.VERSION ?? '',
    settings,
    plugins: await rows(
      connection,
      plugin,
      `SELECT JSON_OBJECT('name', PLUGIN_NAME, 'type', PLUGIN_TYPE, 'library', PLUGIN_LIBRARY)
         FROM information_schema.PLUGINS
        WHERE PLUGIN_LIBRARY IS NOT NULL AND PLUGIN_STATUS = 'ACTIVE' ORDER BY PLUGIN_NAME`,
      options,
    ),
    grants: await run(connection, 'SHOW GRANTS', options),
    ...(await whereItStands(connection, options)),
  };
}

/** The end of the redo log, and of the binary log, now; and the time. */
export async function whereItStands(connection: Connection, options: SessionOptions): Promise<Standing> {
  const [found] = await rows(
    connection,
    standing,
    `SELECT JSON_OBJECT('lsn', VARIABLE_VALUE, 'gtid', @@GLOBAL.gtid_binlog_pos,
                        'clock', DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%fZ'))
       FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_LSN_CURRENT'`,
    options,
  );
  if (!found) throw new TypeError('a server without InnoDB');
  return found;
}

/** `10.11` of `10.11.19-MariaDB-…`: data folders fit servers of one series. */
export function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? '';
}

/** `10.11.19` of `10.11.19-MariaDB-0+deb12u1-log`. */
export function releaseOf(version: string): string {
  return /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? version;
}

/** Negative where the first is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => releaseOf(version).split('.').map(Number));
  for (const [index, part] of (left ?? []).entries()) {
    const difference = part - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
