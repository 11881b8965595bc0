/**
 * What a restored server holds beside the rows of its tables, for later proofs to compare with: definitions, values of sequences, accounts with
 * what they may do. Nothing of it has a digest of the source.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { FoundContents } from '../earlier-contents.ts';
import type { Connection } from './connection.ts';
import { identifier, literal, rows, run } from './session.ts';

/** Of accounts, in the database `mysql`. */
const ACCOUNTS = [
  'global_priv',
  'db',
  'tables_priv',
  'columns_priv',
  'procs_priv',
  'proxies_priv',
  'roles_mapping',
  'servers',
] as const;

const named = z.object({ database: z.string(), name: z.string(), kind: z.string() });

const RELATIONS = `
  SELECT JSON_OBJECT('database', TABLE_SCHEMA, 'name', TABLE_NAME, 'kind', TABLE_TYPE)
    FROM information_schema.TABLES
   WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
     AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW', 'SEQUENCE')
   ORDER BY BINARY TABLE_SCHEMA, BINARY TABLE_NAME`;

export interface BesideRows extends Pick<FoundContents, 'parts' | 'aside'> {
  readonly by: ReadonlyMap<string, string>;
}

export interface Beside {
  /** Release of the server. */
  readonly here: string;
  /** Whether it was loaded out of a dump: then accounts carry when that was. */
  readonly loaded: boolean;
  readonly signal: AbortSignal;
}

/** A part that cannot be read is null. */
export async function besideRows(connection: Connection, { here, loaded, signal }: Beside): Promise<BesideRows> {
  const parts = new Map<string, string | null>();
  const by = new Map<string, string>();
  for (const [database, own] of Map.groupBy(await rows(connection, named, RELATIONS, { signal }), nameOf)) {
    const definitions = `definitions of ${database}`;
    parts.set(definitions, await printed(connection, definitionsOf(database, own, loaded), signal));
    by.set(definitions, `MariaDB ${here}`);
    const sequences = own.filter(({ kind }) => kind === 'SEQUENCE').map((one) => `SELECT * FROM ${quoted(one)}`);
    if (sequences.length > 0)
      parts.set(`values of sequences of ${database}`, await printed(connection, sequences, signal));
  }
  const accounts = ACCOUNTS.map((table) => `CHECKSUM TABLE mysql.${table} EXTENDED`);
  if (!loaded) parts.set('accounts and privileges', await printed(connection, accounts, signal));
  return { parts, by, aside: loaded ? [LOADED] : [] };
}

const LOADED = 'accounts and privileges, which carry when the dump was loaded, and events that come to an end';

function nameOf({ database }: z.infer<typeof named>): string {
  return database;
}

function quoted({ database, name }: z.infer<typeof named>): string {
  return `${identifier(database)}.${identifier(name)}`;
}

/** As the server writes them. When something was made, or last ran, is no part of it. */
function definitionsOf(database: string, own: readonly z.infer<typeof named>[], loaded: boolean): readonly string[] {
  const here = literal(database);
  // An event whose time is over is not made again by whoever loads a dump.
  const lasting = loaded ? 'AND execute_at IS NULL AND ends IS NULL' : '';
  return [
    `SHOW CREATE DATABASE ${identifier(database)}`,
    ...own.map((one) => `SHOW CREATE TABLE ${quoted(one)}`),
    `SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, SQL_MODE, DEFINER
       FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ${here} ORDER BY BINARY TRIGGER_NAME`,
    `SELECT name, type, param_list, returns, is_deterministic, sql_data_access, security_type, sql_mode, definer, aggregate, body
       FROM mysql.proc WHERE db = ${here} ORDER BY BINARY name, type`,
    `SELECT name, definer, execute_at, interval_value, interval_field, starts, ends, on_completion, sql_mode, time_zone, body
       FROM mysql.event WHERE db = ${here} ${lasting} ORDER BY BINARY name`,
  ];
}

async function printed(
  connection: Connection,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const lines = await run(connection, statements.join(';\n'), { signal });
    return createHash('sha256').update(lines.join('\n')).digest('hex');
  } catch (error) {
    stopIfCancelled(signal);
    if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
    return null;
  }
}
