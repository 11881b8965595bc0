/**
 * Shipping of WAL: one bounded step. A segment is closed on the server, what is there up to its end is received into
 * a lasting folder, and whatever is whole in it goes into one artifact. What is received is deleted only once the
 * backup that holds it is sealed: the slot has let go of it by then.
 */
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { LogsContext, Shipped } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { backupConnection } from '../connection.ts';
import { majorOf } from '../facts.ts';
import { withSession, type Session } from '../session.ts';
import { closeSegment, type Closed } from './close-segment.ts';
import { describeServer, type Server } from './describe-server.ts';
import { beginGeneration, generations, type Generation } from './generations.ts';
import { pack } from './pack.ts';
import { receive } from './receive.ts';
import { dropSealed, readReceived } from './received.ts';
import { sealReceived } from './seal-received.ts';
import { shipSpool } from './ship-spool.ts';
import { createSlot, dropSlot, findSlot, isWhole, slotName, whyLost } from './slot.ts';
import { keepSlotRecord, readSlotRecord } from './slot-record.ts';

export type Context = LogsContext<PostgresSource>;

interface Prepared {
  readonly about: Server;
  readonly binaries: Binaries;
  readonly generation: Generation;
  readonly closed: Closed;
}

export async function ship(context: Context): Promise<Shipped | null> {
  const { config, readSecret, work, source, site } = context;
  if (config.logs.spool !== undefined) return shipSpool(context, config.logs.spool);
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup logs', signal: work.signal };
  const slot = slotName(site, source);
  const { about, binaries, generation, closed } = await withSession(connection, options, (session) =>
    prepare(session, context, slot),
  );
  const tools = { pg_receivewal: binaries.version };
  const old = await sealReceived(context, { about, tools, except: generation.number });
  if (old) return old;
  await receive({ connection, binaries, slot, folder: generation.folder, end: closed.end, work });
  const found = await readReceived(generation.folder, about.segmentBytes);
  const packed = await pack(context, { ...found, generation, about, closed, tools });
  const names = found.segments.map(({ name }) => name);
  return packed && { ...packed, onSealed: () => dropSealed(generation.folder, names) };
}

async function prepare(session: Session, context: Context, slot: string): Promise<Prepared> {
  const about = await describeServer(session);
  const binaries = await requireBinaries(majorOf(session.version), {
    program: 'pg_receivewal',
    hint: context.config.binaries,
    newer: true,
  });
  const generation = await openSlot(session, context, { slot, systemId: about.systemId });
  return { about, binaries, generation, closed: await closeSegment(session, about.segmentBytes, context.attempt) };
}

/** Makes sure of the slot and of its folder. A slot that has lost WAL is replaced: the hole shows at the next segment. */
async function openSlot(
  session: Session,
  { received, state, config, noteSlotLost }: Context,
  { slot, systemId }: { readonly slot: string; readonly systemId: string },
): Promise<Generation> {
  const found = await findSlot(session, slot);
  const newest = (await generations(received)).at(-1);
  const known = await readSlotRecord(state);
  const record = { slot, systemId, connection: config.connection };
  if (found && isWhole(found)) {
    await keepSlotRecord(state, record);
    return newest?.systemId === systemId ? newest : beginGeneration(received, systemId);
  }
  // There was one: state says so, or what came through it. On another cluster there never was.
  const had = known?.released !== true && (known ?? newest)?.systemId === systemId;
  if (found || had) await noteSlotLost(whyLost(found, slot));
  await keepSlotRecord(state, record);
  const generation = await beginGeneration(received, systemId);
  if (found) await dropSlot(session, slot);
  await createSlot(session, slot);
  return generation;
}
