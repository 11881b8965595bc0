/**
 * A moment behind the end of a base backup, of which both are known: the rows, by snapshots that are held until they are
 * read, and the WAL up to it, which the backup carries as an artifact. So a check recovers to that very moment, however
 * much is written meanwhile, and needs no logs for it. Nobody is locked out for it at any time.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { stopIfCancelled } from '../../../streams/cancelled.ts';
import type { CaptureContext } from '../../types.ts';
import type { Position } from '../base-backup.ts';
import { findBinaries, requireBinaries } from '../binaries.ts';
import type { Connection } from '../connection.ts';
import { majorOf, type Facts } from '../facts.ts';
import { receive } from '../logs/receive.ts';
import { segmentAt, segmentName } from '../logs/segments.ts';
import { APPLICATION } from '../preflight.ts';
import { withSession, type Session } from '../session.ts';
import { isExact } from './choose.ts';
import { openHolding, type Held, type Holding } from './hold.ts';
import { beginMark, endMark, type Mark } from './mark.ts';
import { findPlace } from './place.ts';

/** Role and name of the artifact with the WAL between the backup's end and the moment. */
export const CHECK_WAL = { role: 'check-wal', name: 'check-wal.tar' } as const;

/** How often snapshots are taken again where no place in the WAL shows exactly the same. */
const ROUNDS = 6;

export interface Moment {
  readonly mark: Mark;
  readonly held: readonly Held[];
  readonly holding: Holding;
}

export interface Fixing {
  readonly context: CaptureContext<PostgresSource>;
  readonly connection: Connection;
  /** Of the role that may read tables. */
  readonly checking: Connection;
  readonly facts: Facts;
  /** Of the base backup. */
  readonly position: Position;
}

/** While the bracket's slot keeps the WAL. The caller closes `holding`. @throws BackupError where it cannot be done. */
export async function fixMoment(fixing: Fixing): Promise<Moment> {
  const { context, connection, checking, facts, position } = fixing;
  const { work, config, artifacts } = context;
  const segmentBytes = Number(facts.settings['wal_segment_size']);
  const major = majorOf(facts.versionNumber);
  const binaries = await requireBinaries(major, { program: 'pg_receivewal', hint: config.binaries, newer: true });
  const waldump = await findBinaries(major, { program: 'pg_waldump', hint: config.binaries });
  const folder = path.join(await context.spool(), CHECK_WAL.role);
  const names = facts.databases.filter(({ allowsConnections }) => allowsConnections).map(({ name }) => name);
  const holding = await openHolding(checking, names, work.signal);
  try {
    const moment = await withSession(connection, { application: APPLICATION, signal: work.signal }, async (session) => {
      for (let round = 1; ; round += 1) {
        const { mark, held } = await take(session, holding, { ...fixing, round });
        await prepareFolder(folder, position, segmentBytes);
        await receive({ binaries, connection, folder, end: mark.end, work });
        await completeFolder(folder, position, segmentBytes);
        if (round === ROUNDS || !waldump) return { mark, held, holding };
        const wal = { wal: folder, waldump, work };
        const seen = new Map(held.map(({ database, ...each }) => [database, each]));
        if (isExact((await findPlace(wal, mark, seen)).place)) return { mark, held, holding };
      }
    });
    const tar = ['--create', '--file=-', `--directory=${folder}`, '--', ...(await readdir(folder)).toSorted()];
    await artifacts.stream({ command: 'tar', args: tar }, { ...CHECK_WAL, minPlainBytes: segmentBytes });
    await rm(folder, { recursive: true });
    return moment;
  } catch (error) {
    await holding.close();
    stopIfCancelled(work.signal);
    throw error;
  }
}

async function take(
  session: Session,
  holding: Holding,
  { context, position, round }: Fixing & { readonly round: number },
): Promise<{ readonly mark: Mark; readonly held: readonly Held[] }> {
  // Names of restore points have at most 63 bytes.
  const restorePoint = `mosaic check ${context.attempt.slice(-40)} ${round}`;
  const begun = await beginMark(session);
  const held = await holding.retake();
  const end = await endMark(session, restorePoint);
  return { mark: { ...begun, timeline: position.timeline, restorePoint, end }, held };
}

/**
 * pg_receivewal without a slot of its own begins with the segment behind the last that it finds, else where the server
 * is now: a stand-in for the backup's last segment lets it begin right behind that. It has no blocks on disk.
 */
async function prepareFolder(folder: string, position: Position, segmentBytes: number): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const file = await open(path.join(folder, standIn(position, segmentBytes)), 'wx', 0o600);
  try {
    await file.truncate(segmentBytes);
  } finally {
    await file.close();
  }
}

/** The last segment is begun only: its end is not asked for, and zeros end the WAL in it. */
async function completeFolder(folder: string, position: Position, segmentBytes: number): Promise<void> {
  await rm(path.join(folder, standIn(position, segmentBytes)));
  const names = await readdir(folder);
  for (const name of names) {
    if (name.endsWith('.partial'))
      await rename(path.join(folder, name), path.join(folder, name.replace(/\.partial$/, '')));
  }
  if (names.length > 0) return;
  throw new BackupError('failed', 'pg_receivewal ended without any WAL behind the backup', { facts: { folder } });
}

function standIn({ endLsn, timeline }: Position, segmentBytes: number): string {
  const first = segmentAt(endLsn, timeline, segmentBytes);
  return segmentName({ ...first, number: first.number - 1n }, segmentBytes);
}
