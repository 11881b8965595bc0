/**
 * What a stopped server had not shipped: whole segments that are in state already, whole ones in its folder, and the
 * one it had begun, as a tail. Nobody else ships meanwhile: the lease of the logs is held.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { errnoOf } from '../../../storage/fs-errors.ts';
import type { LogsContext, Shipped, Unshipped } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { lsnNumber } from '../base-backup.ts';
import { controlData } from '../control.ts';
import { generations } from '../logs/generations.ts';
import { pack } from '../logs/pack.ts';
import { logsPosition, lastSegment } from '../logs/position.ts';
import { readReceived, segmentDigest } from '../logs/received.ts';
import { follows, segmentName, startOf } from '../logs/segments.ts';
import type { Server } from '../logs/describe-server.ts';
import { lastRecord, readStoppedWal, type StoppedWal } from './stopped-wal.ts';

type Context = LogsContext<PostgresSource>;

interface Stopped {
  readonly wal: string;
  readonly about: Server;
  readonly binaries: Binaries;
}

/** One backup at a time, the tail last. @throws BackupError `verification-failed` where it cannot be read. */
export async function saveUnshipped(context: Context, data: string): Promise<Unshipped> {
  try {
    return await saveNext(context, data);
  } catch (error) {
    // Files that are gone or cannot be read: it may be for that that somebody restores.
    if (error instanceof BackupError || errnoOf(error) === undefined) throw error;
    throw unreadable(path.join(data, 'pg_wal'), error instanceof Error ? error.message : String(error));
  }
}

async function saveNext(context: Context, data: string): Promise<Unshipped> {
  const stopped = await describe(context, data);
  const received = await packReceived(context, stopped);
  if (received) return { shipped: received, more: true };
  const { wal, about } = stopped;
  const found = await readStoppedWal(wal, about.systemId, about.segmentBytes);
  const archived = await packArchived(context, stopped, found);
  if (archived) return { shipped: archived, more: true };
  const whole = found.segments.slice(0, -1);
  const packed = await packStopped(context, stopped, { ...found, segments: follow(context, whole) });
  if (packed) return { shipped: packed, more: true };
  return { shipped: await packTail(context, stopped, found), more: false };
}

async function describe({ config, work }: Context, data: string): Promise<Stopped> {
  const major = await majorOf(data);
  const binaries = await requireBinaries(major, { program: 'pg_waldump', hint: config.binaries });
  const control = await controlData(data, binaries, work.signal);
  const about = {
    systemId: control['Database system identifier'] ?? '',
    segmentBytes: Number(control['Bytes per WAL segment']),
    version: binaries.version,
    inRecovery: false,
  };
  return { wal: path.join(data, 'pg_wal'), about, binaries };
}

async function majorOf(data: string): Promise<number> {
  return Number.parseInt(await readFile(path.join(data, 'PG_VERSION'), 'utf8'), 10);
}

/** Whole segments that have left the server, and whose seal is still to come: it may have let go of them. */
async function packReceived(context: Context, { about, binaries }: Stopped): Promise<Shipped | null> {
  for (const generation of await generations(context.received)) {
    const found = await readReceived(generation.folder, about.segmentBytes);
    const packed = await pack(context, { ...found, generation, about, closed: null, tools: toolsOf(binaries) });
    if (packed) return packed;
  }
  return null;
}

/**
 * What archive_command had brought into the spool and the server has no more. What it still has is taken from there: the
 * command may have been cut off in the middle, and the server would have called it again.
 */
async function packArchived(
  context: Context,
  { about, binaries }: Stopped,
  stillThere: StoppedWal,
): Promise<Shipped | null> {
  const { spool } = context.config.logs;
  if (spool === undefined) return null;
  const [whole, own] = await Promise.all([
    readReceived(spool, about.segmentBytes),
    readStoppedWal(spool, about.systemId, about.segmentBytes),
  ]);
  const fitting = new Set(own.segments.map(({ name }) => name));
  for (const { name } of stillThere.segments) fitting.delete(name);
  const segments = follow(
    context,
    whole.segments.filter(({ name }) => fitting.has(name)),
  );
  const generation = { folder: spool, number: 0, systemId: about.systemId };
  return pack(context, { ...whole, segments, generation, about, closed: null, tools: toolsOf(binaries) });
}

/** Segments behind what is sealed; all of them where nothing is. */
function follow({ newest }: Context, segments: StoppedWal['segments']): StoppedWal['segments'] {
  const last = newest && lastSegment(logsPosition.parse(newest.position));
  if (!last) return segments;
  return segments.filter(
    ({ timeline, number }) => timeline > last.timeline || (timeline === last.timeline && number > last.number),
  );
}

async function packStopped(context: Context, { wal, about, binaries }: Stopped, found: StoppedWal) {
  const generation = { folder: wal, number: 0, systemId: about.systemId };
  return pack(context, { ...found, generation, about, closed: null, tools: toolsOf(binaries) });
}

/** The last segment, up to where it was written. It ends recoveries, and nothing follows it. */
async function packTail(
  context: Context,
  stopped: Stopped,
  { segments, histories }: StoppedWal,
): Promise<Shipped | null> {
  const { wal, about, binaries } = stopped;
  const { segmentBytes, systemId } = about;
  const tail = segments.at(-1);
  if (!tail) throw unreadable(wal, 'no segment in it holds what its name says');
  const before = segments.at(-2);
  const waldump = path.join(binaries.folder, 'pg_waldump');
  // A record that began in the segment before may fill the whole of the last one.
  const from = before && before.timeline === tail.timeline && follows(before, tail) ? before.name : tail.name;
  const end = await lastRecord({ wal, waldump, from, to: tail.name }, context.work);
  if (end === undefined) throw unreadable(wal, `pg_waldump finds no record in ${tail.name}`);
  // Made ready for what was to come, and not written to yet.
  if (lsnNumber(end) < lsnNumber(startOf(tail, segmentBytes))) return null;
  // Nobody writes any more: what was ever committed is in it.
  const coversUntil = new Date().toISOString();
  const producer = {
    command: 'tar',
    args: ['--create', '--file=-', `--directory=${wal}`, '--', ...histories, tail.name],
  };
  await context.artifacts.stream(producer, { role: 'wal', name: 'wal.tar', minPlainBytes: segmentBytes });
  return {
    first: `${systemId}.${tail.name}.partial`,
    last: end.replace('/', '.'),
    coversUntil,
    engine: { version: about.version },
    position: {
      systemId,
      timeline: tail.timeline,
      startLsn: startOf(tail, segmentBytes),
      endLsn: end,
      segmentBytes,
      restorePoint: null,
      tail: end,
      gap: null,
      segments: { [segmentName(tail, segmentBytes)]: await segmentDigest(wal, tail.name) },
    },
    tools: toolsOf(binaries),
    warnings: [],
  };
}

function toolsOf({ version }: Binaries): Readonly<Record<string, string>> {
  return { pg_waldump: version };
}

function unreadable(wal: string, why: string): BackupError {
  return new BackupError('verification-failed', `The WAL in ${wal} cannot be saved: ${why}.`, {
    remedy:
      'What was committed since the last shipping would only be in the old data, which are kept: go on with --accept-unsaved.',
    facts: { folder: wal },
  });
}
