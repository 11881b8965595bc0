/** How a server stands that keeps WAL for us: its free space, as far as it is seen from here, and its slot. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { ServerStanding, SlotStanding } from '../../../../model/logs-run.ts';
import { isErrno } from '../../../streams/errno.ts';
import { spaceOfServer } from '../../server-space.ts';
import type { LogsSource } from '../../types.ts';
import { backupConnection, isSocket } from '../connection.ts';
import { withSession, type Session } from '../session.ts';
import { slotName } from './slot.ts';

const folder = z.object({
  /** Null where the role may not see it. */
  data: z.string().nullable(),
  /** When the server was started, in whole seconds since the epoch. */
  started: z.coerce.number(),
});

const slot = z.object({ kept: z.coerce.number(), limit: z.coerce.number() });

export async function standing(context: LogsSource<PostgresSource>): Promise<ServerStanding> {
  const { config, readSecret, work, site, source } = context;
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup logs', signal: work.signal };
  return withSession(connection, options, async (session) => {
    const data = await dataFolder(session);
    const spool = config.logs.spool === undefined ? [] : [config.logs.spool];
    const own = data === undefined ? [] : [data, path.join(data, 'pg_wal')];
    return { space: await spaceOfServer([...own, ...spool]), slot: await slotOf(session, slotName(site, source)) };
  });
}

/**
 * The server's data folder; undefined where this host does not see it. The same path may be another server's where
 * this one runs elsewhere: its own file says when it was started. Who may not read that file has at least its socket.
 */
export async function dataFolder(session: Session): Promise<string | undefined> {
  const [found] = await session.rows(
    folder,
    `SELECT (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data,
            floor(extract(epoch FROM pg_postmaster_start_time())) AS started`,
  );
  if (!found || found.data === null) return undefined;
  const started = await startOf(found.data);
  const { host, reached } = session.connection;
  // A container's path is its own: this host may have nothing there, or something else.
  if (started === undefined) return isSocket(host) && !reached ? found.data : undefined;
  // The file is written by the process that the server's own time is of, a moment later or sooner.
  return Math.abs(started - found.started) <= 2 ? found.data : undefined;
}

/** Line three of postmaster.pid; undefined where it cannot be read. */
async function startOf(data: string): Promise<number | undefined> {
  try {
    const lines = (await readFile(path.join(data, 'postmaster.pid'), 'utf8')).split('\n');
    return Number(lines[2]);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EACCES') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function slotOf(session: Session, name: string): Promise<SlotStanding | null> {
  const [found] = await session.rows(
    slot,
    `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS kept,
            (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS "limit"
       FROM pg_replication_slots WHERE slot_name = $1 AND restart_lsn IS NOT NULL`,
    [name],
  );
  if (!found) return null;
  // The setting is in megabytes, -1 for none.
  return { name, kept: found.kept, limit: found.limit < 0 ? null : found.limit * 2 ** 20 };
}
