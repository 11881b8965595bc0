/**
 * Shipping of WAL: one bounded step. A segment is closed on the server, what is there up to its end is received into
 * a lasting folder, and whatever is whole in it goes into one artifact. What is received is deleted only once the
 * backup that holds it is sealed: the slot has let go of it by then.
 */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { MOST_BYTES, noRoom, roomFor } from '../../receiving-room.ts';
import type { LogsContext, Shipped } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { backupConnection } from '../connection.ts';
import { lsnNumber } from '../base-backup.ts';
import { majorOf } from '../facts.ts';
import { withSession, type Session } from '../session.ts';
import { configured } from '../reach.ts';
import { closeSegment, currentTimeline, type Closed } from './close-segment.ts';
import { describeServer, type Server } from './describe-server.ts';
import { beginGeneration, generations, type Generation } from './generations.ts';
import { pack } from './pack.ts';
import { logsPosition } from './position.ts';
import { receive } from './receive.ts';
import { dropSealed, readReceived, upTo } from './received.ts';
import { startOf } from './segments.ts';
import { restoredTimeline } from './restored.ts';
import { sealReceived } from './seal-received.ts';
import { requireNotSetBack } from './set-back.ts';
import { shipSpool } from './ship-spool.ts';
import { createSlot, dropSlot, findSlot, isWhole, slotName, untilFree, whyLost } from './slot.ts';
import { keepSlotRecord, readSlotRecord } from './slot-record.ts';

export type Context = LogsContext<PostgresSource>;

interface Prepared {
  readonly about: Server;
  readonly binaries: Binaries;
  readonly generation: Generation;
  /** Null where there is no room for one more segment. */
  readonly closed: Closed | null;
  /** LSN up to which this step receives; null where there is no room for any. */
  readonly end: string | null;
}

export async function ship(context: Context): Promise<Shipped | null> {
  const { config, readSecret, work, source, site } = context;
  if (config.logs.spool !== undefined) return shipSpool(context, config.logs.spool);
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup logs', signal: work.signal };
  const slot = slotName(site, source);
  const { about, binaries, generation, closed, end } = await withSession(connection, options, (session) =>
    prepare(session, context, slot),
  );
  const tools = { pg_receivewal: binaries.version };
  const old = await sealReceived(context, { about, tools, except: generation.number });
  if (old) return old;
  const { folder } = generation;
  if (end !== null) await receive({ connection, binaries, slot, folder, end, work });
  const found = await readReceived(folder, about.segmentBytes);
  const packed = await pack(context, { ...found, generation, about, closed, tools });
  if (packed) return { ...packed, onSealed: () => dropSealed(folder, upTo(found.segments, packed.last)) };
  if (end === null) throw await noRoom(folder, about.segmentBytes);
  return null;
}

async function prepare(session: Session, context: Context, slot: string): Promise<Prepared> {
  const about = await describeServer(session);
  const binaries = await requireBinaries(majorOf(session.version), {
    program: 'pg_receivewal',
    hint: context.config.binaries,
    newer: true,
  });
  await untilFree(session, slot, context.work);
  const generation = await openSlot(session, context, { slot, about });
  const { room, there, next } = await planStep(session, { slot, folder: generation.folder, about });
  const { segmentBytes } = about;
  if (there < room) {
    const closed = await closeSegment(session, segmentBytes, context.attempt);
    requireNotSetBack(context, { systemId: about.systemId, timeline: await currentTimeline(session), closed });
    return { about, binaries, generation, closed, end: closed.end };
  }
  // To close one more would never let it come to the end of what is there already.
  const end = room === 0n ? null : startOf({ number: next + room }, segmentBytes);
  return { about, binaries, generation, closed: null, end };
}

interface Step {
  readonly slot: string;
  readonly folder: string;
  readonly about: Server;
}

/** Segments that are finished and not received, from which number on, and how many of them there is room for. */
async function planStep(session: Session, { slot, folder, about: { segmentBytes } }: Step) {
  const from = (await findSlot(session, slot))?.restartLsn ?? '0/0';
  const { segments } = await readReceived(folder, segmentBytes);
  // It goes on behind the last whole one that is there.
  const next = segments.reduce(
    (most, { number }) => (number >= most ? number + 1n : most),
    lsnNumber(from) / BigInt(segmentBytes),
  );
  const [now] = await session.rows(z.object({ lsn: z.string() }), 'SELECT pg_current_wal_lsn()::text AS lsn');
  if (!now) throw new TypeError('a query for one row gave none');
  const there = lsnNumber(now.lsn) / BigInt(segmentBytes) - next;
  return { next, there, room: BigInt(Math.floor(Math.min(await roomFor(folder), MOST_BYTES) / segmentBytes)) };
}

/** Whether nothing was shipped yet since a restore in place, which knows of no slot. */
async function isRestored({ received, newest }: Context): Promise<boolean> {
  const restored = await restoredTimeline(received);
  if (restored === undefined || newest === null) return false;
  return logsPosition.parse(newest.position).timeline < restored;
}

/** Makes sure of the slot and of its folder. A slot that has lost WAL is replaced: the hole shows at the next segment. */
async function openSlot(
  session: Session,
  context: Context,
  { slot, about: { systemId, segmentBytes } }: { readonly slot: string; readonly about: Server },
): Promise<Generation> {
  const { received, state, config, noteSlotLost } = context;
  const found = await findSlot(session, slot);
  const newest = (await generations(received)).at(-1);
  const known = await readSlotRecord(state);
  const record = { slot, systemId, connection: configured(config) };
  if (found && isWhole(found)) {
    await keepSlotRecord(state, record);
    const goesOn = newest?.systemId === systemId && !(await isAhead(session, newest, segmentBytes));
    return goesOn ? newest : beginGeneration(received, systemId);
  }
  // There was one: state says so, or what came through it. On another cluster, or one restored in place, there never was.
  const had = known?.released !== true && (known ?? newest)?.systemId === systemId && !(await isRestored(context));
  if (found || had) await noteSlotLost(whyLost(found, slot));
  await keepSlotRecord(state, record);
  const generation = await beginGeneration(received, systemId);
  if (found) await dropSlot(session, slot);
  await createSlot(session, slot);
  return generation;
}

/** Whether what was received is of a later timeline than the server's: it was set back by hand to data of before. */
async function isAhead(session: Session, { folder }: Generation, segmentBytes: number): Promise<boolean> {
  const last = (await readReceived(folder, segmentBytes)).segments.at(-1);
  return last !== undefined && last.timeline > (await currentTimeline(session));
}
