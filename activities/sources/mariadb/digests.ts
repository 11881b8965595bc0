/** Digests of rows: a count and a checksum a table, equal wherever the same rows are, in any order. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Connection } from './connection.ts';
import { identifier, rows, run, type SessionOptions } from './session.ts';

export interface TableRows {
  readonly database: string;
  readonly name: string;
  readonly rows: number;
  /** See isSame(). */
  readonly digest: string;
  /**
   * When it was last written to, as far as InnoDB remembers: shows changes that cancelled each other out. Null for
   * other engines, whose files are as young as their last flush, which a backup brings about.
   */
  readonly updated: string | null;
}

/** A table that could not be read, and why. */
export interface Unread {
  readonly database: string;
  readonly name: string;
  readonly why: string;
}

export interface Digests {
  readonly tables: readonly TableRows[];
  readonly unread: readonly Unread[];
}

const table = z.object({
  database: z.string(),
  name: z.string(),
  engine: z.string(),
  updated: z.string().nullable(),
});
export interface Table extends z.infer<typeof table> {
  /** Those of which CHECKSUM TABLE does not see where one ends and the next begins; none where there is one alone. */
  readonly loose: readonly string[];
}
const counted = z.object({ rows: z.number(), values: z.string() });

/**
 * Reads every table of users' databases that keeps its rows here. A table that cannot be read (no privilege, locked,
 * damaged) is named, never skipped in silence.
 */
export async function digestRows(
  connection: Connection,
  signal: AbortSignal,
  onTable: () => void = () => undefined,
  wanted: (table: Table) => boolean = () => true,
): Promise<Digests> {
  const options: SessionOptions = { signal };
  const tables: TableRows[] = [];
  const unread: Unread[] = [];
  for (const { database, name, updated, loose } of (await listTables(connection, signal)).filter(wanted)) {
    try {
      tables.push({ database, name, updated, ...(await digest(connection, { database, name, loose }, options)) });
    } catch (error) {
      stopIfCancelled(signal);
      if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
      unread.push({ database, name, why: error.message });
    }
    onTable();
  }
  return { tables, unread };
}

/** Tables of users' databases that keep their rows here. */
export async function listTables(connection: Connection, signal: AbortSignal): Promise<readonly Table[]> {
  const columns = await rows(connection, column, LOOSE, { signal });
  const loose = Map.groupBy(columns, tableName);
  return (await rows(connection, table, TABLES, { signal })).map(({ database, name, engine, updated }) => {
    const own = loose.get(tableName({ database, name })) ?? [];
    return { database, name, engine, updated, loose: own.length > 1 ? own.map((each) => each.column) : [] };
  });
}

const column = z.object({ database: z.string(), name: z.string(), column: z.string() });

/** Columns of no fixed length, which are not made up of others. */
const LOOSE = `
  SELECT JSON_OBJECT('database', TABLE_SCHEMA, 'name', TABLE_NAME, 'column', COLUMN_NAME)
    FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') AND IS_GENERATED = 'NEVER'
     AND (DATA_TYPE LIKE 'var%' OR DATA_TYPE LIKE '%text' OR DATA_TYPE LIKE '%blob' OR DATA_TYPE IN
          ('geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon', 'geometrycollection'))
   ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`;

/**
 * SQL of a sum over a table's rows that tells 'ab' and 'c' from 'a' and 'bc': CHECKSUM TABLE sums the bytes of a row one behind the other,
 * and takes them for the same.
 */
export function valuesOf(loose: readonly string[]): string {
  if (loose.length === 0) return "''";
  const sums = loose.map((name) => `IFNULL(CRC32(${identifier(name)}), '-')`);
  return `IFNULL(CAST(SUM(CRC32(CONCAT_WS(',', ${sums.join(', ')}))) AS CHAR), '0')`;
}

/** The digest of a table, of both sums. */
export function digestOf(checksum: string, values: string): string {
  return values === '' ? checksum : `${checksum} ${values}`;
}

/** Backups of before have the checksum alone. */
export function isSame(expected: string, found: string): boolean {
  return found === expected || (!expected.includes(' ') && found.startsWith(`${expected} `));
}

/** Names of tables that keep when each of their rows came and went: loaded out of a dump, a row has come just then. */
export async function versionedTables(connection: Connection, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = await rows(connection, z.object({ database: z.string(), name: z.string() }), VERSIONED, { signal });
  return new Set(found.map(tableName));
}

const VERSIONED = `
  SELECT JSON_OBJECT('database', TABLE_SCHEMA, 'name', TABLE_NAME)
    FROM information_schema.TABLES WHERE TABLE_TYPE = 'SYSTEM VERSIONED'`;

async function digest(
  connection: Connection,
  { database, name, loose }: Pick<Table, 'database' | 'name' | 'loose'>,
  options: SessionOptions,
) {
  const from = `${identifier(database)}.${identifier(name)}`;
  const sql = `SELECT JSON_OBJECT('rows', COUNT(*), 'values', ${valuesOf(loose)}) FROM ${from}; CHECKSUM TABLE ${from} EXTENDED`;
  const [count = '', ...sums] = await run(connection, sql, options);
  // The name of a table may hold a tab or a line break: the sum is what is last.
  const checksum = /\t(\d+)$/.exec(sums.at(-1) ?? '')?.[1];
  if (checksum === undefined) throw new BackupError('failed', `${database}.${name} gives no checksum`);
  const { rows: number, values } = counted.parse(JSON.parse(count));
  return { rows: number, digest: digestOf(checksum, values) };
}

/** Engines whose rows lie in this server's data folder and outlive a restart. */
const TABLES = `
  SELECT JSON_OBJECT('database', TABLE_SCHEMA, 'name', TABLE_NAME, 'engine', ENGINE,
                     'updated', IF(ENGINE = 'InnoDB', UPDATE_TIME, NULL))
    FROM information_schema.TABLES
   WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
     AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
     AND ENGINE IN ('InnoDB', 'Aria', 'MyISAM', 'MRG_MyISAM', 'CSV', 'ARCHIVE', 'ROCKSDB')
   ORDER BY TABLE_SCHEMA, TABLE_NAME`;

/** `shop.orders` for messages. */
export function tableName({ database, name }: Pick<TableRows, 'database' | 'name'>): string {
  return `${database}.${name}`;
}
