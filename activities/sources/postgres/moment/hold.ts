/** One snapshot in every database, taken at one time as far as that can be, and held until its tables are read. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import { stopIfCancelled } from '../../../streams/cancelled.ts';
import type { Connection } from '../connection.ts';
import type { Unread } from '../digests.ts';
import { APPLICATION } from '../preflight.ts';
import { openSession, stateBehind, type Session } from '../session.ts';
import { parseSnapshot, type Snapshot } from './snapshot.ts';

export interface Held {
  readonly database: string;
  readonly oid: string;
  /** In a REPEATABLE READ transaction that reads by `snapshot`. */
  readonly session: Session;
  readonly snapshot: Snapshot;
}

export interface Holding {
  /** Takes new snapshots in place of the ones before. */
  retake(): Promise<readonly Held[]>;
  /** Databases that could not be entered. */
  readonly unread: readonly Unread[];
  close(): Promise<void>;
}

/** Each database takes a connection of production's for as long as its tables are read. */
const MOST_DATABASES = 20;

/** How often it looks for a quiet moment, and how long it pauses between at most, in milliseconds. */
const TRIES = 40;
const PAUSE = 5;

const BEGIN = 'ROLLBACK; BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY';
const snapshot = z.object({ text: z.string(), oid: z.string() });

const SNAPSHOT = `
  SELECT pg_current_snapshot()::text AS text,
         (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS oid`;

export async function openHolding(
  connection: Connection,
  databases: readonly string[],
  signal: AbortSignal,
): Promise<Holding> {
  const sessions: { readonly database: string; readonly session: Session }[] = [];
  const unread: Unread[] = [];
  async function close(): Promise<void> {
    await Promise.all(sessions.map(({ session }) => session.close()));
  }
  try {
    for (const database of databases) {
      const opened = await enter(connection, database, { full: sessions.length >= MOST_DATABASES, signal });
      if ('why' in opened) unread.push(opened);
      else sessions.push({ database, session: opened });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { retake: () => retake(sessions, signal), unread, close };
}

async function enter(
  connection: Connection,
  database: string,
  { full, signal }: { readonly full: boolean; readonly signal: AbortSignal },
): Promise<Session | Unread> {
  const whole = { database, schema: '*', name: '*' };
  if (full) return { ...whole, why: `rows of ${MOST_DATABASES} databases are read at most`, state: undefined };
  try {
    return await openSession(connection, { application: APPLICATION, database, signal });
  } catch (error) {
    stopIfCancelled(signal);
    if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
    return { ...whole, why: error.message, state: stateBehind(error) };
  }
}

/**
 * The fewer transactions are under way, the less can be between its commit record in the WAL and its being visible to
 * others. So it waits for a quiet moment, and asks for less quiet the longer it takes.
 */
async function retake(
  sessions: readonly { readonly database: string; readonly session: Session }[],
  signal: AbortSignal,
): Promise<readonly Held[]> {
  for (let turn = 0; ; turn += 1) {
    await Promise.all(sessions.map(({ session }) => session.run(BEGIN)));
    const held = await Promise.all(
      sessions.map(async ({ database, session }) => {
        const [row] = await session.rows(snapshot, SNAPSHOT);
        if (!row) throw new TypeError('a query for one row gave none');
        return { database, oid: row.oid, session, snapshot: parseSnapshot(row.text) };
      }),
    );
    if (unrest(held.map((each) => each.snapshot)) <= turn / 4 || turn >= TRIES) return held;
    await wait(Math.random() * PAUSE, undefined, { signal });
  }
}

/** Transactions under way, and databases that were looked at at another time than others. */
function unrest(snapshots: readonly Snapshot[]): number {
  const running = new Set(snapshots.flatMap((each) => [...each.running]));
  const moments = new Set(snapshots.map(({ text }) => text));
  return running.size + Math.max(0, moments.size - 1);
}
