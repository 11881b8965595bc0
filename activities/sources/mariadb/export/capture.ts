/** The logical exports of a capture: each database as statements, from a snapshot of its own. */
import { z } from 'zod';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { EXPORT_LIST_ROLE, EXPORT_LIST_SCHEMA, EXPORT_ROLE, type ExportEntry } from '../../../../model/export.ts';
import type { MariadbEntry } from '../../../../model/inventory.ts';
import type { Warning } from '../../../../model/manifest.ts';
import type { CaptureContext } from '../../types.ts';
import { exportConnection, type Connection } from '../connection.ts';
import { dumpError } from '../logical.ts';
import { rowEntries, rowsOf } from '../rows.ts';
import { rows } from '../session.ts';
import { either, listContents } from './contents.ts';
import { dumpDatabase } from './dump.ts';

type Context = CaptureContext<MariadbSource>;

const listed = z.object({ name: z.string(), charset: z.string(), collation: z.string() });
type Listed = z.infer<typeof listed>;
const moment = z.object({ at: z.string(), gtid: z.string() });

/** Codes that another attempt at the whole capture mends, or nothing does: they fail it. */
const FATAL: ReadonlySet<string> = new Set(['unreachable', 'aborted', 'no-space', 'standstill', 'lease-lost']);

/**
 * Exports every database of users, where this backup is to hold exports. What fails for one of them is a warning, and
 * the backup is partial: its files are good all the same.
 */
export async function takeExports(context: Context): Promise<readonly Warning[]> {
  const { config, tier, readSecret, work } = context;
  const connection = await exportConnection(config, readSecret);
  if (!connection) return tier === 'daily' ? [] : [noAccount(tier)];
  if (!config.export?.tiers.includes(tier)) return [];
  const warnings: Warning[] = [];
  const contents: ExportEntry[] = [];
  try {
    const databases = await listDatabases(connection, work.signal);
    const before = config.export.rows ? await rowsOf(connection, work, () => true) : undefined;
    for (const [index, database] of databases.entries()) {
      const earlier = await listContents(connection, database.name, work.signal);
      const warning = await exportOne(context, connection, database, index + 1);
      if (warning) warnings.push(warning);
      else contents.push(...either(earlier, await listContents(connection, database.name, work.signal)));
    }
    const after = config.export.rows ? await rowsOf(connection, work, () => true) : undefined;
    await writeList(context, [...contents, ...rowsIn(rowEntries(before, after))]);
  } catch (error) {
    warnings.push(failed('no database was exported', ofTheExport(error)));
  }
  return warnings;
}

/** Rows of tables that nobody wrote to while they were exported; of the others it is said. */
function rowsIn(entries: readonly MariadbEntry[]): readonly ExportEntry[] {
  return entries.flatMap((entry): readonly ExportEntry[] => {
    if (entry.entry !== 'rows') return [];
    const { database, name, rows, digest, stable } = entry;
    const table = { database, schema: '', name };
    if (stable) return [{ entry: 'rows', ...table, rows, digest }];
    return [{ entry: 'unread', ...table, why: 'written to while it was exported' }];
  });
}

async function writeList({ artifacts, source }: Context, entries: readonly ExportEntry[]): Promise<void> {
  const header = { schema: EXPORT_LIST_SCHEMA, source, type: 'mariadb' };
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  await artifacts.lines(lines, { role: EXPORT_LIST_ROLE, name: 'export-list', minPlainBytes: 1 });
}

async function exportOne(
  { artifacts, work }: Context,
  connection: Connection,
  { name, charset, collation }: Listed,
  number: number,
): Promise<Warning | undefined> {
  const options = { signal: work.signal };
  try {
    const [now] = await rows(connection, moment, NOW, options);
    if (!now) throw new TypeError('a query for one row gave none');
    await artifacts.stream(dumpDatabase(connection, name), {
      role: EXPORT_ROLE,
      // The name of a database may be anything, and that of a file may not.
      name: `export-${number}.sql`,
      minPlainBytes: 500,
      export: {
        scope: 'database',
        database: name,
        format: 'sql',
        at: now.at,
        position: now.gtid === '' ? null : now.gtid,
        made: { charset, collation },
      },
    });
    return undefined;
  } catch (error) {
    const cause = ofTheExport(explained(error, connection));
    const left = await listDatabases(connection, work.signal);
    if (left.some((database) => database.name === name)) return failed(`database "${name}" was not exported`, cause);
    const message = `database "${name}" was not exported: it was dropped meanwhile`;
    return { code: 'mariadb.export', message, partial: false };
  }
}

/** The snapshot is taken right after it. */
const NOW = `SELECT JSON_OBJECT('at', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'), 'gtid', @@GLOBAL.gtid_binlog_pos)`;

function listDatabases(connection: Connection, signal: AbortSignal): Promise<readonly Listed[]> {
  return rows(
    connection,
    listed,
    `SELECT JSON_OBJECT('name', SCHEMA_NAME, 'charset', DEFAULT_CHARACTER_SET_NAME, 'collation', DEFAULT_COLLATION_NAME)
       FROM information_schema.SCHEMATA
      WHERE SCHEMA_NAME NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') ORDER BY SCHEMA_NAME`,
    { signal },
  );
}

function explained(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  return error.facts['program'] === 'mariadb-dump' ? dumpError(error, connection) : error;
}

function ofTheExport(error: unknown): BackupError {
  if (error instanceof BackupError && !FATAL.has(error.code)) return error;
  throw error;
}

function noAccount(tier: string): Warning {
  const message = `This ${tier} backup holds no logical export: in some years no server may be left that starts on its files, and no single table of it goes back into a running server. Run infra/roles/mariadb-export.sql on the server and add "export: {}" to the source ("export: { tiers: [] }" for none, on purpose).`;
  return { code: 'mariadb.no-export', message, partial: false };
}

function failed(what: string, { message, remedy }: BackupError): Warning {
  const told = remedy === undefined ? message : `${message} (${remedy})`;
  return { code: 'mariadb.export', message: `${what}: ${told}`, partial: true };
}
