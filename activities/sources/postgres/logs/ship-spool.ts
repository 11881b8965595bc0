/**
 * Shipping of WAL that a user's own archive_command brings into a spool. A segment is closed on the server as for a
 * slot; what has come up to one that was closed is sealed, and removed from the spool only after that.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../../../model/errors.ts';
import { MOST_BYTES } from '../../receiving-room.ts';
import type { Shipped } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { withSession, type Session } from '../session.ts';
import { askArchiver, isArchived, requireArchiving, type Archiver } from './archiver.ts';
import { closeSegment, currentTimeline } from './close-segment.ts';
import { describeServer, type Server } from './describe-server.ts';
import { readMarks, writeMarks, type Mark } from './marks.ts';
import { pack } from './pack.ts';
import type { ReceivedSegment } from './received.ts';
import { restoredTimeline } from './restored.ts';
import { sealReceived } from './seal-received.ts';
import { follows, segmentAt, segmentName } from './segments.ts';
import type { Context } from './ship.ts';
import { dropSlot, findSlot, slotName } from './slot.ts';
import { noteReleased } from './slot-record.ts';
import { dropTaken, hasSegment, readSpool, takeAll } from './spool.ts';
import { settleStale, strayWarnings } from './stale.ts';

/** Milliseconds in which archive_command is to bring the segment that was just closed. */
const ARRIVAL = 10_000;

interface Prepared {
  readonly about: Server;
  readonly archiver: Archiver;
  /** All that were closed and are not sealed, the one of this tick last. */
  readonly marks: readonly Mark[];
  readonly hasSlot: boolean;
}

/**
 * @throws BackupError `failed` where archive_command fails, `unreachable` where nothing comes or the spool is not there,
 *   `conflict` where a segment is another than the sealed one of its name: it stays where it is.
 */
export async function shipSpool(context: Context, spool: string): Promise<Shipped | null> {
  const { config, readSecret, work, state, site, source } = context;
  const slot = slotName(site, source);
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup logs', signal: work.signal };
  const prepared = await withSession(connection, options, (session) => prepare(session, context, spool));
  const { about, archiver, marks } = prepared;
  // What a slot brought before the spool was chosen comes first.
  const old = await sealReceived(context, { about, tools: {}, except: null });
  if (old) return old;

  const closed = marks.at(-1)?.segment ?? '';
  const { segments: all, histories, labels } = await readSpool(spool, { about, archiver, closed });
  const { fresh, strays } = await settleStale(context, spool, { about, segments: all, closed });
  const restored = await restoredTimeline(context.received);
  const { run, mark } = choose({ about, segments: fresh, marks, restored });
  if (run.length === 0) throw nothingCame(spool, prepared);
  const taken = await takeAll(spool, [...run.map(({ name }) => name), ...labels]);
  const packed = await pack(context, {
    generation: { folder: spool, number: 0, systemId: about.systemId },
    segments: run,
    histories: [...histories, ...labels],
    about,
    closed: mark ?? null,
    tools: {},
  });
  if (!packed) throw nothingCame(spool, prepared);
  return {
    ...packed,
    warnings: [...packed.warnings, ...strayWarnings(spool, strays)],
    async onSealed() {
      await dropTaken(spool, taken);
      await writeMarks(state, mark ? marks.slice(marks.indexOf(mark) + 1) : marks);
      // A slot that was used before the spool was chosen keeps WAL for nobody any more.
      if (prepared.hasSlot) await withSession(connection, options, (session) => dropSlot(session, slot));
      await noteReleased(state);
    },
  };
}

async function prepare(session: Session, context: Context, spool: string): Promise<Prepared> {
  requireArchiving(await askArchiver(session));
  const about = await describeServer(session);
  const { segmentBytes, systemId } = about;
  const closed = await closeSegment(session, segmentBytes, context.attempt);
  const behind = segmentAt(closed.end, await currentTimeline(session), segmentBytes);
  const segment = segmentName({ ...behind, number: behind.number - 1n }, segmentBytes);
  const mark: Mark = { ...closed, systemId, segment };
  const marks = [...(await readMarks(context.state, mark)).filter((one) => one.segment !== segment), mark];
  await writeMarks(context.state, marks);
  const archiver = await arrival(session, { spool, segment, segmentBytes, signal: context.work.signal });
  const hasSlot = (await findSlot(session, slotName(context.site, context.source))) !== undefined;
  return { about, archiver, marks, hasSlot };
}

interface Awaited {
  readonly spool: string;
  readonly segment: string;
  readonly segmentBytes: number;
  readonly signal: AbortSignal;
}

/** Waits until the segment has come, or archive_command fails, or too long. */
async function arrival(session: Session, { spool, segment, segmentBytes, signal }: Awaited): Promise<Archiver> {
  const end = Date.now() + ARRIVAL;
  for (;;) {
    const archiver = await askArchiver(session);
    const come = isArchived(archiver, segment) && (await hasSegment(spool, segment, segmentBytes));
    if (come || archiver.failing || Date.now() > end) return archiver;
    await pause(100, undefined, { signal });
  }
}

interface Found {
  readonly about: Server;
  readonly segments: readonly ReceivedSegment[];
  /** The timeline that the last restore in place began. */
  readonly restored: number | undefined;
}

/**
 * What follows what is sealed, up to the newest segment that was closed by us. Where one is missing, what is before it
 * goes first, and the next tick begins behind it and tells of the hole.
 */
function choose({ about, segments: fresh, marks, restored = 0 }: Found & Pick<Prepared, 'marks'>): {
  readonly run: readonly ReceivedSegment[];
  readonly mark: Mark | undefined;
} {
  const hole = fresh.findIndex((segment, index) => {
    const previous = fresh[index - 1];
    if (previous === undefined) return false;
    // Of before a restore in place, whatever its number: another history.
    return !follows(previous, segment) || (previous.timeline < restored && segment.timeline >= restored);
  });
  const whole = hole < 0 ? fresh : fresh.slice(0, hole);
  // What piled up before the first tick, or in an outage, takes several.
  const most = Math.max(1, Math.floor(MOST_BYTES / about.segmentBytes));
  const slice = whole.slice(0, most);
  const mark = marks.findLast(({ segment }) => slice.some(({ name }) => name === segment));
  if (mark) return { run: slice.filter(({ name }) => name <= mark.segment), mark };
  return { run: hole < 0 && whole.length <= most ? [] : slice, mark };
}

/** The server writes, and nothing of it is here: shipping has not succeeded. */
function nothingCame(spool: string, { archiver, marks }: Prepared): BackupError {
  const wanted = marks.at(-1)?.segment ?? '';
  const facts = { spool, wanted, lastArchived: archiver.last };
  if (archiver.failing) {
    return new BackupError('failed', `archive_command fails on the server: it could not archive ${archiver.failed}.`, {
      remedy: `The server's log says why. See whether ${spool} is mounted on the server, may be written by it, and has room.`,
      facts,
    });
  }
  const why = isArchived(archiver, wanted)
    ? `the server says that it has archived it, so ${spool} is not the folder that archive_command fills, is not mounted here, or somebody else empties it`
    : `the server has archived ${archiver.last ?? 'nothing'} so far`;
  return new BackupError('unreachable', `${wanted} has not come into the spool: ${why}.`, {
    remedy: `Compare archive_command on the server with logs.spool of the source (${spool}); SELECT * FROM pg_stat_archiver; shows how far it is.`,
    facts,
  });
}
