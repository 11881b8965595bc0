/** Closing of the WAL segment that a server writes, so that it can be shipped. */
import { z } from 'zod';
import type { Session } from '../session.ts';
import { segmentEnd } from './segments.ts';

/** What the server was told to close, and when. */
export interface Closed {
  /** Its clock just before, RFC 3339: what was committed until then is in the segment that was closed, or in an earlier one. */
  readonly at: string;
  /** LSN of the end of that segment. */
  readonly end: string;
  /** Name of the restore point in it. */
  readonly restorePoint: string;
}

const NOW = `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`;
const POINT = 'SELECT pg_create_restore_point($1)';

/**
 * Closes the segment. A record behind it lets pg_receivewal see its end; at the value that pg_switch_wal() returns it
 * would stop before the newest commits.
 */
export async function closeSegment(session: Session, segmentBytes: number, attempt: string): Promise<Closed> {
  // Names of restore points have at most 63 bytes.
  const restorePoint = `mosaic ${attempt.slice(-48)}`;
  const [clock] = await session.rows(z.object({ at: z.string() }), NOW);
  await session.rows(z.unknown(), POINT, [restorePoint]);
  const [switched] = await session.rows(z.object({ lsn: z.string() }), 'SELECT pg_switch_wal()::text AS lsn');
  await session.rows(z.unknown(), POINT, [`${restorePoint} after`]);
  if (!clock || !switched) throw new TypeError('a query for one row gave none');
  return { at: clock.at, end: segmentEnd(switched.lsn, segmentBytes), restorePoint };
}

/** The timeline that the server writes now. A control file, which is older, would lag behind after a promotion. */
export async function currentTimeline(session: Session): Promise<number> {
  const [found] = await session.rows(
    z.object({ name: z.string() }),
    'SELECT pg_walfile_name(pg_current_wal_lsn()) AS name',
  );
  if (!found) throw new TypeError('a query for one row gave none');
  return Number.parseInt(found.name.slice(0, 8), 16);
}
