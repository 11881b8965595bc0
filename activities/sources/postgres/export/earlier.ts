/**
 * Whether an attempt at a restore that was cut off had been carried out all the same: its COMMIT may have come to the
 * server, and nobody have heard of it. What was there before is in its note; what is there now is asked.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import { earlierNote, undecided } from '../../earlier.ts';
import type { ExportRequest } from '../../types.ts';
import { APPLICATION } from '../application.ts';
import type { Connection } from '../connection.ts';
import { stateBehind, withSession, type Session } from '../session.ts';
import { nameOf } from './select.ts';
import { maintenance, NO_DATABASE, type Found } from './target.ts';

const always = {
  /** The database that it goes into. */
  database: z.string(),
  /** How the sessions that change anything are called; of no other restore. */
  application: z.string().startsWith(APPLICATION),
  /** Whether the database was there before. */
  existed: z.boolean(),
};

const table = z.strictObject({ schema: z.string(), name: z.string(), oid: z.number().nullable() });

const note = z.discriminatedUnion('way', [
  /** All of it into a database that has nothing in it, or is not there. */
  z.strictObject({ way: z.literal('load'), ...always }),
  /** All of it beside the old one, which then gives up its name. */
  z.strictObject({
    way: z.literal('swap'),
    ...always,
    /** Of the database before. */
    oid: z.number(),
    aside: z.string(),
    made: z.string(),
  }),
  /** Some tables; null for those that were not there. */
  z.strictObject({ way: z.literal('tables'), ...always, tables: z.array(table) }),
]);
export type Note = z.infer<typeof note>;
export type NoteOf<Way extends Note['way']> = Extract<Note, { readonly way: Way }>;

/** The note of the attempt before, where there was one. @throws BackupError `conflict` where it is of another restore. */
export function noteOf(
  { earlier, tables }: Pick<ExportRequest, 'earlier' | 'tables'>,
  { database }: Connection,
): Note | undefined {
  const found = earlierNote(note, earlier);
  if (found === undefined) return undefined;
  const isSame = found.database === database && (found.way === 'tables') === tables.length > 0;
  if (!isSame) throw undecided('what it had noted is of another restore');
  return found;
}

/** A name for the sessions of one restore, and of all its attempts. */
export function newApplication(): string {
  return `${APPLICATION} restore ${randomBytes(6).toString('hex')}`;
}

const working = z.object({ pid: z.number(), database: z.string().nullable() });

/**
 * A server goes on with the last statement of a client that is gone, which may be the COMMIT: nothing is decided
 * before. @throws BackupError `busy`.
 */
export async function requireEnded(connection: Connection, application: string, signal: AbortSignal): Promise<void> {
  const [found] = await somewhere(connection, signal, (session) =>
    session.rows(
      working,
      'SELECT pid, datname::text AS database FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid',
      [application],
    ),
  );
  if (!found) return;
  throw new BackupError(
    'busy',
    `The server is still at work for an attempt at this restore that was cut off (process ${found.pid} in "${found.database ?? ''}"), and may yet carry it out. Nothing was changed.`,
    {
      remedy: `Wait until it has ended. What it waits for: SELECT * FROM pg_locks WHERE pid = ${found.pid} AND NOT granted; it is ended by: SELECT pg_terminate_backend(${found.pid});`,
      facts: { pid: found.pid },
    },
  );
}

/** A session in the database, or beside it where it is not there. */
async function somewhere<Result>(
  connection: Connection,
  signal: AbortSignal,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const options = { application: APPLICATION, signal };
  try {
    return await withSession(connection, options, use);
  } catch (error) {
    if (stateBehind(error) !== NO_DATABASE) throw error;
  }
  return withSession(maintenance(connection), options, use);
}

export interface Before {
  readonly connection: Connection;
  readonly found: Found;
  /** The tables that there are once it is carried out. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
  readonly signal: AbortSignal;
}

/** Whether it had been carried out. @throws BackupError `conflict` where what is there is neither what was nor what was to come. */
export async function carriedOut(earlier: Note, before: Before): Promise<boolean> {
  if (earlier.way === 'load') return isLoaded(before);
  return earlier.way === 'swap' ? isSwapped(earlier, before) : areRestored(earlier, before);
}

/** One transaction: all of it is there, or nothing. What else is there somebody else has made. */
async function isLoaded(before: Before): Promise<boolean> {
  const { found, connection, tables } = before;
  if (!found.exists || found.objects === 0) return false;
  const there = await oidsOf(before);
  const lacking = tables.filter((_, index) => there[index] === null).map(nameOf);
  if (lacking.length === 0) return true;
  throw undecided(
    `database "${connection.database}" has ${found.objects} objects in it, but not ${lacking.slice(0, 5).join(', ')}`,
  );
}

const named = z.object({ name: z.string(), oid: z.coerce.number() });

/** A database keeps its OID under whatever name. */
async function isSwapped({ oid, aside, database }: NoteOf<'swap'>, before: Before): Promise<boolean> {
  const there = await somewhere(before.connection, before.signal, (session) =>
    session.rows(named, 'SELECT datname::text AS name, oid FROM pg_database WHERE oid = $1', [oid]),
  );
  const name = there[0]?.name;
  if (name === aside) return true;
  if (name === database) return false;
  throw undecided(
    name === undefined
      ? `the database that was "${database}" then is gone`
      : `the database that was "${database}" then is called "${name}" now`,
  );
}

/** A table that was made anew has another OID. One that is gone since was not restored: it would be there. */
async function areRestored({ tables }: NoteOf<'tables'>, before: Before): Promise<boolean> {
  if (!before.found.exists) return false;
  const there = await oidsOf({ ...before, tables });
  const isNew = tables.map(({ oid }, index) => there[index] !== null && there[index] !== oid);
  if (isNew.every(Boolean)) return true;
  if (!isNew.some(Boolean)) return false;
  const other = tables.filter((_, index) => isNew[index]).map(nameOf);
  throw undecided(
    `${other.slice(0, 5).join(', ')} ${other.length === 1 ? 'is' : 'are'} new, the rest of the tables is not`,
  );
}

const place = z.object({ oid: z.coerce.number().nullable() });

/** Of each table, in their order; null for what is not there. */
async function oidsOf({ connection, tables, signal }: Before): Promise<readonly (number | null)[]> {
  const found = await withSession(connection, { application: APPLICATION, signal }, (session) =>
    session.rows(
      place,
      `SELECT (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = t.schema AND c.relname = t.name) AS oid
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (schema, name, place) ORDER BY t.place`,
      [tables.map(({ schema }) => schema), tables.map(({ name }) => name)],
    ),
  );
  return found.map(({ oid }) => oid);
}
