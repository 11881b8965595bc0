/**
 * Shipping of WAL: one bounded step. A segment is closed on the server, what is there up to its end is received into
 * a lasting folder, and whatever is whole in it goes into one artifact. What is received is deleted only once the
 * backup that holds it is sealed: the slot has let go of it by then.
 */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { LogsContext, Shipped } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { backupConnection } from '../connection.ts';
import { majorOf } from '../facts.ts';
import { withSession, type Session } from '../session.ts';
import { closeSegment, type Closed } from './close-segment.ts';
import { beginGeneration, endGeneration, generations, type Generation } from './generations.ts';
import { pack } from './pack.ts';
import { receive } from './receive.ts';
import { dropSealed, readReceived } from './received.ts';
import { createSlot, dropSlot, findSlot, isWhole, slotName } from './slot.ts';

export type Context = LogsContext<PostgresSource>;

const server = z.object({
  systemId: z.string(),
  version: z.string(),
  segmentBytes: z.coerce.number(),
  inRecovery: z.boolean(),
});
export type Server = z.infer<typeof server>;

interface Prepared {
  readonly about: Server;
  readonly binaries: Binaries;
  readonly generation: Generation;
  readonly closed: Closed;
}

export async function ship(context: Context): Promise<Shipped | null> {
  const { config, readSecret, work, source, site } = context;
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup logs', signal: work.signal };
  const slot = slotName(site, source);
  const { about, binaries, generation, closed } = await withSession(connection, options, (session) =>
    prepare(session, context, slot),
  );
  // What was received through a slot that is gone comes first, a step for each.
  for (const old of await generations(context.received)) {
    if (old.number === generation.number) continue;
    const found = await readReceived(old.folder, about.segmentBytes);
    const packed = await pack(context, { ...found, generation: old, about, closed: null, binaries });
    if (packed) return { ...packed, onSealed: () => endGeneration(old) };
    await endGeneration(old);
  }
  await receive({ connection, binaries, slot, folder: generation.folder, end: closed.end, work });
  const found = await readReceived(generation.folder, about.segmentBytes);
  const packed = await pack(context, { ...found, generation, about, closed, binaries });
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

async function describeServer(session: Session): Promise<Server> {
  const [found] = await session.rows(
    server,
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId",
            current_setting('server_version') AS version, pg_is_in_recovery() AS "inRecovery",
            (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS "segmentBytes"`,
  );
  if (!found) throw new TypeError('a query for one row gave none');
  if (!found.inRecovery) return found;
  throw new BackupError('preflight-failed', 'The server is a standby: it cannot close a WAL segment.', {
    remedy: 'Point connection.host at the primary, or promote this server: SELECT pg_promote();',
  });
}

/** Makes sure of the slot and of its folder. A slot that has lost WAL is replaced: the hole shows at the next segment. */
async function openSlot(
  session: Session,
  { received }: Context,
  { slot, systemId }: { readonly slot: string; readonly systemId: string },
): Promise<Generation> {
  const found = await findSlot(session, slot);
  const newest = (await generations(received)).at(-1);
  if (found && isWhole(found)) {
    return newest?.systemId === systemId ? newest : beginGeneration(received, systemId);
  }
  const generation = await beginGeneration(received, systemId);
  if (found) await dropSlot(session, slot);
  await createSlot(session, slot);
  return generation;
}
