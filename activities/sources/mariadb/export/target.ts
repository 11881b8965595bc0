/** The running server that an export goes into: how it is reached, and what is there already. */
import { z } from 'zod';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportTarget } from '../../types.ts';
import type { Connection } from '../connection.ts';
import { literal, rows } from '../session.ts';
import { lockOf } from './half.ts';

const into = z.strictObject({
  host: z.string().min(1).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  socket: z.string().min(1).optional(),
  user: z.string().min(1),
  database: z.string().min(1).optional(),
  ca: z.string().min(1).optional(),
});

export interface Target {
  readonly connection: Connection;
  readonly database: string;
}

/**
 * What is not said of the server is as the source has it; the database has the name that it had.
 * @throws BackupError `usage` with what is wrong.
 */
export function targetOf({ settings, password }: ExportTarget, source: MariadbSource | null, database: string): Target {
  const parsed = into.safeParse(settings);
  if (!parsed.success) {
    const found = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw new BackupError('usage', `--into does not say how to reach a MariaDB server: ${found.join('; ')}`, {
      remedy: 'Write it as in "socket=/run/mysqld/mysqld.sock user=root database=shop", or with host, port and ca.',
    });
  }
  const { host, socket, user, port, ca } = parsed.data;
  const own = host === undefined && socket === undefined ? source?.connection : undefined;
  const name = host ?? own?.host;
  return {
    database: parsed.data.database ?? database,
    connection: {
      socket: name === undefined ? (socket ?? own?.socket ?? '/run/mysqld/mysqld.sock') : null,
      host: name ?? 'localhost',
      port: port ?? own?.port ?? 3306,
      user,
      password,
      ca: ca ?? own?.ca,
    },
  };
}

const found = z.object({
  exists: z.number(),
  objects: z.number(),
  /** How the database was made; empty where it is not there, or has no comment. */
  comment: z.string(),
  charset: z.string(),
  collation: z.string(),
  /** The connection of whoever is loading it; null where nobody is. */
  loading: z.number().nullable(),
});
export type Found = z.infer<typeof found>;

/** Whether the database is there, how many tables, views and routines are in it, and who is at work in it. */
export async function look({ connection, database }: Target, signal: AbortSignal): Promise<Found> {
  const name = literal(database);
  const [row] = await rows(
    connection,
    found,
    `SELECT JSON_OBJECT(
       'exists', (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${name}),
       'objects', ${objectsIn(name)},
       'comment', ${commentOf(name)},
       'charset', COALESCE((SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${name}), ''),
       'collation', COALESCE((SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${name}), ''),
       'loading', IS_USED_LOCK(${literal(lockOf(database))}))`,
    { signal },
  );
  if (!row) throw new TypeError('a query for one row gave none');
  return row;
}

/** Whether all that was found is so still; names are literals. */
export function stillAs(database: string, { exists, objects, comment }: Found): string {
  const name = literal(database);
  return `(SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${name}) = ${exists}
    AND ${objectsIn(name)} = ${objects} AND ${commentOf(name)} = ${literal(comment)}`;
}

function objectsIn(name: string): string {
  return `((SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${name})
    + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ${name}))`;
}

/** Its comment as SQL; the name is a literal. */
export function commentOf(name: string): string {
  return `COALESCE((SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${name}), '')`;
}

/** The connection of whoever is changing a database; null where nobody is. */
export async function atWorkIn({ connection, database }: Target, signal: AbortSignal): Promise<number | null> {
  const query = `SELECT JSON_OBJECT('loading', IS_USED_LOCK(${literal(lockOf(database))}))`;
  const [row] = await rows(connection, found.pick({ loading: true }), query, { signal });
  return row?.loading ?? null;
}

/** Which of some tables are there. */
export async function existing(
  { connection, database }: Target,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (tables.length === 0) return [];
  const list = tables.map((name) => literal(name)).join(', ');
  const listed = await rows(
    connection,
    z.object({ name: z.string() }),
    `SELECT JSON_OBJECT('name', TABLE_NAME) FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${literal(database)} AND TABLE_NAME IN (${list})`,
    { signal },
  );
  return listed.map(({ name }) => name);
}
