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
export type Table = z.infer<typeof table>;
const counted = z.object({ rows: z.number() });

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
  for (const { database, name, updated } of (await listTables(connection, signal)).filter(wanted)) {
    try {
      tables.push({ database, name, updated, ...(await digest(connection, database, name, options)) });
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
export function listTables(connection: Connection, signal: AbortSignal): Promise<readonly Table[]> {
  return rows(connection, table, TABLES, { signal });
}

/** Names of tables that keep when each of their rows came and went: loaded out of a dump, a row has come just then. */
export async function versionedTables(connection: Connection, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = await rows(connection, z.object({ database: z.string(), name: z.string() }), VERSIONED, { signal });
  return new Set(found.map(tableName));
}

const VERSIONED = `
  SELECT JSON_OBJECT('database', TABLE_SCHEMA, 'name', TABLE_NAME)
    FROM information_schema.TABLES WHERE TABLE_TYPE = 'SYSTEM VERSIONED'`;

async function digest(connection: Connection, database: string, name: string, options: SessionOptions) {
  const from = `${identifier(database)}.${identifier(name)}`;
  const sql = `SELECT JSON_OBJECT('rows', COUNT(*)) FROM ${from}; CHECKSUM TABLE ${from} EXTENDED`;
  const [count = '', ...sums] = await run(connection, sql, options);
  // The name of a table may hold a tab or a line break: the sum is what is last.
  const digest = /\t(\d+)$/.exec(sums.at(-1) ?? '')?.[1];
  if (digest === undefined) throw new BackupError('failed', `${database}.${name} gives no checksum`);
  return { ...counted.parse(JSON.parse(count)), digest };
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
