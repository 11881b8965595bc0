/** Marks in the server's WAL around the taking of snapshots: from where to read it, and where it ends. */
import { z } from 'zod';
import type { Session } from '../session.ts';

export interface Mark {
  readonly timeline: number;
  /** LSN before all of it. */
  readonly from: string;
  /** Transactions with a greater id have written nothing before `from`. */
  readonly firstXid: bigint;
  /** Name of the restore point behind it, and the LSN behind that. */
  readonly restorePoint: string;
  readonly end: string;
}

const begun = z.object({ lsn: z.string() });
const consumed = z.object({ xid: z.string() });

/** The beginning: an LSN first, and an id that is given out behind it. */
export async function beginMark(session: Session): Promise<Pick<Mark, 'from' | 'firstXid'>> {
  // What must last until a commit is flushed waits for no standby, and the role's own defaults do not count.
  await session.run("SET default_transaction_read_only = off; SET synchronous_commit = 'local'");
  const [place] = await session.rows(begun, 'SELECT pg_current_wal_insert_lsn()::text AS lsn');
  const [id] = await session.rows(consumed, 'SELECT pg_current_xact_id()::text AS xid');
  if (!place || !id) throw new TypeError('a query for one row gave none');
  return { from: place.lsn, firstXid: BigInt(id.xid) };
}

/**
 * The end: a restore point, and behind it a commit, with which all of it is flushed and can be received. No segment is
 * closed for it: that would cost production's archive a whole one.
 */
export async function endMark(session: Session, name: string): Promise<string> {
  const sql = 'SELECT pg_create_restore_point($1)::text AS lsn, pg_current_xact_id()::text AS xid';
  const [point] = await session.rows(begun, sql, [name]);
  if (!point) throw new TypeError('a query for one row gave none');
  return point.lsn;
}
