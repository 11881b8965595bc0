/** Digests of rows: a count and a sum of hashes a table, equal wherever the same rows are, in any order. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Connection } from './connection.ts';
import { identifier } from './findings.ts';
import { APPLICATION } from './preflight.ts';
import { stateBehind, withSession, type Session } from './session.ts';

export interface TableRows {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  readonly digest: string;
}

/** A table that could not be read, and why. */
export interface Unread {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly why: string;
  readonly state: string | undefined;
}

export interface Digests {
  readonly tables: readonly TableRows[];
  readonly unread: readonly Unread[];
}

/** How long a table's digest waits for whoever has locked it. */
const LOCK_WAIT = '10s';

const table = z.object({
  oid: z.string(),
  schema: z.string(),
  name: z.string(),
  file: z.string(),
  columns: z.array(z.string()),
});

/**
 * Reads every table of some databases, each database in one REPEATABLE READ snapshot. A table that cannot be
 * read (no privilege, row security, locked) is named, never skipped in silence; so is a database.
 * Unlogged tables and other servers' are left out.
 */
export async function digestRows(
  connection: Connection,
  databases: readonly string[],
  signal: AbortSignal,
  onTable: () => void = () => undefined,
): Promise<Digests> {
  const tables: TableRows[] = [];
  const unread: Unread[] = [];
  for (const database of databases) {
    try {
      const found = await withSession(connection, { application: APPLICATION, database, signal }, async (session) => {
        await session.run('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
        return digestDatabase(session, database, onTable);
      });
      tables.push(...found.tables);
      unread.push(...found.unread);
    } catch (error) {
      stopIfCancelled(signal);
      if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
      unread.push({ database, schema: '*', name: '*', why: error.message, state: stateBehind(error) });
    }
  }
  return { tables, unread };
}

/** Reads every table of the database that a session is in, by the snapshot of its transaction, which it ends. */
export async function digestDatabase(session: Session, database: string, onTable: () => void): Promise<Digests> {
  const tables: TableRows[] = [];
  const unread: Unread[] = [];
  // With row security on, rows that the role may not see would be left out without a word; off, it is an error.
  await session.run(`SET LOCAL row_security = off; SET LOCAL lock_timeout = '${LOCK_WAIT}'`);
  for (const { oid, schema, name, file, columns } of await session.rows(table, TABLES)) {
    await session.run('SAVEPOINT one_table');
    try {
      const [row] = await session.rows(digest, digestQuery(schema, name, columns));
      const [now] = await session.rows(z.object({ file: z.string().nullable() }), FILE, [oid]);
      // TRUNCATE and most rewrites take no heed of snapshots: an older one finds the table empty then.
      if (now?.file !== file) unread.push({ database, schema, name, why: REWRITTEN, state: undefined });
      else if (row) tables.push({ database, schema, name, ...row });
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
      const why = error.cause instanceof Error ? error.cause.message : error.message;
      unread.push({ database, schema, name, why, state: stateBehind(error) });
    }
    // It lets go of the table's lock: whoever wants to change its definition waits for this one table at most.
    await session.run('ROLLBACK TO SAVEPOINT one_table');
    onTable();
  }
  await session.run('COMMIT');
  return { tables, unread };
}

const REWRITTEN = 'it was emptied or rewritten before it could be read';

const FILE = 'SELECT pg_relation_filenode($1::oid)::text AS file';

// pg_class is read by the snapshot, pg_relation_filenode() by what is true now.
const TABLES = `
  SELECT c.oid::text AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relfilenode::text AS file,
         ARRAY(SELECT a.attname::text FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
   ORDER BY 2, 3`;

export const digest = z.object({ rows: z.coerce.number(), digest: z.string() });

/**
 * The row as a whole under a name that is no column's: "t::text" is a column's text where the table has a column t.
 * The collation is named because hashing fails under a nondeterministic one.
 * @param columns those of the snapshot: `*` would be those that the table has by now.
 */
export function digestQuery(schema: string, name: string, columns?: readonly string[]): string {
  const row = columns
    ? `ROW(${columns.map((column) => `"mosaic row".${quoted(column)}`).join(', ')})`
    : '("mosaic row".*)';
  return `
    SELECT count(*) AS rows,
           coalesce(sum(hashtextextended(${row}::text COLLATE "C", 0)::numeric), 0)::text AS digest
      FROM ONLY ${quoted(schema)}.${quoted(name)} AS "mosaic row"`;
}

// Always quoted: a table may be called "order" or "user".
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `shop.public.orders` for messages. */
export function tableName({ database, schema, name }: Pick<TableRows, 'database' | 'schema' | 'name'>): string {
  return [database, schema, name].map((part) => (part === '*' ? part : identifier(part))).join('.');
}
