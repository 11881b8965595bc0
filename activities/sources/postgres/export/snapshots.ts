/**
 * One moment for all exports: in every database a session of its own holds a snapshot, all taken one right after the
 * other, before the first is read. A snapshot cannot be shared between databases, so they are as near as that.
 */
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import type { Connection } from '../connection.ts';
import { APPLICATION } from '../application.ts';
import { openSession, stateBehind, withSession, type Session } from '../session.ts';

const listed = z.object({
  name: z.string(),
  allowsConnections: z.boolean(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  /** c: libc, i: ICU, b: the server's own. */
  provider: z.string(),
  locale: z.string().nullable(),
});
export type Listed = z.infer<typeof listed>;

const taken = z.object({ snapshot: z.string(), at: z.string(), lsn: z.string() });

export interface Held extends z.infer<typeof taken> {
  readonly database: Listed;
  /** In the transaction that has the snapshot. As long as it is open, others can be told to use it. */
  readonly session: Session;
}

/** A database that is not exported, and why. */
export interface Left {
  readonly database: string;
  readonly why: string;
  /** True where it should be, and is not. */
  readonly lacking: boolean;
}

export interface Holding {
  readonly held: readonly Held[];
  readonly left: readonly Left[];
  /** Ends all sessions. Idempotent. */
  readonly end: () => Promise<void>;
}

const NO_DATABASE = '3D000';

/**
 * Takes a snapshot in every database that allows connections.
 * @throws BackupError when the server cannot be asked at all as this role.
 */
export async function holdSnapshots(connection: Connection, signal: AbortSignal): Promise<Holding> {
  const options = { application: APPLICATION, signal };
  const databases = await withSession(connection, options, listDatabases);
  const held: Held[] = [];
  const left: Left[] = [];
  const end = async () => {
    for (const { session } of held) await session.close();
  };
  try {
    for (const database of databases) {
      // Made of nothing, for making others; nobody may connect to it.
      if (database.name === 'template0') continue;
      if (!database.allowsConnections) left.push(closed(database.name));
      else await hold(connection, database, signal).then((one) => held.push(one), leave(left, database.name));
    }
    return { held, left, end };
  } catch (error) {
    await end();
    throw error;
  }
}

function closed(database: string): Left {
  return { database, why: 'it allows no connections (datallowconn)', lacking: false };
}

/** What keeps one database from being exported must not keep the others. */
function leave(left: Left[], database: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof BackupError) || ['unreachable', 'aborted'].includes(error.code)) throw error;
    if (stateBehind(error) === NO_DATABASE) left.push({ database, why: 'it was dropped meanwhile', lacking: false });
    else left.push({ database, why: remedied(error), lacking: true });
  };
}

/** What happened, with what to do about it. */
export function remedied({ message, remedy }: BackupError): string {
  return remedy === undefined ? message : `${message} (${remedy})`;
}

async function hold(connection: Connection, database: Listed, signal: AbortSignal): Promise<Held> {
  const session = await openSession(connection, { application: APPLICATION, database: database.name, signal });
  try {
    await session.run('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    // With row security on, rows that the role may not see would be left out without a word; off, it is an error.
    await session.run('SET LOCAL row_security = off');
    const [row] = await session.rows(taken, SNAPSHOT);
    if (!row) throw new TypeError('a query for one row gave none');
    return { database, session, ...row };
  } catch (error) {
    await session.close();
    throw error;
  }
}

const SNAPSHOT = `
  SELECT pg_export_snapshot() AS snapshot, pg_current_wal_lsn()::text AS lsn,
         to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`;

/** Whether a database is still there: an export that failed because it was dropped is none that is lacking. */
export async function isThere(connection: Connection, database: string, signal: AbortSignal): Promise<boolean> {
  const databases = await withSession(connection, { application: APPLICATION, signal }, listDatabases);
  return databases.some(({ name }) => name === database);
}

function listDatabases(session: Session): Promise<readonly Listed[]> {
  return session.rows(listed, databasesQuery(session.version));
}

function databasesQuery(version: number): string {
  const locale = version >= 170000 ? 'datlocale::text' : version >= 150000 ? 'daticulocale::text' : 'NULL::text';
  const provider = version >= 150000 ? 'datlocprovider::text' : "'c'";
  return `SELECT datname::text AS name, datallowconn AS "allowsConnections", pg_encoding_to_char(encoding) AS encoding,
                 datcollate::text AS collate, datctype::text AS ctype, ${provider} AS provider, ${locale} AS locale
            FROM pg_database ORDER BY datname`;
}
