/** Received WAL into an artifact: what is whole, follows, and is not sealed yet. */
import { BackupError } from '../../../../model/errors.ts';
import type { Warning } from '../../../../model/manifest.ts';
import { MOST_BYTES } from '../../receiving-room.ts';
import type { Shipped } from '../../types.ts';
import type { Closed } from './close-segment.ts';
import type { Server } from './describe-server.ts';
import type { Generation } from './generations.ts';
import { lastSegment, logsPosition, type LogsPosition } from './position.ts';
import { segmentDigest, type Received, type ReceivedSegment } from './received.ts';
import { follows, gapIn, segmentName, startOf } from './segments.ts';
import { restoredTimeline } from './restored.ts';
import type { Context } from './ship.ts';

export interface Packing extends Received {
  readonly generation: Generation;
  readonly about: Server;
  /** Null where nothing was closed for it: up to when it covers is not known then. */
  readonly closed: Closed | null;
  /** Programs that brought the segments here, with their versions. */
  readonly tools: Readonly<Record<string, string>>;
}

/** @returns null where all of it is sealed already. */
export async function pack(context: Context, packing: Packing): Promise<Omit<Shipped, 'onSealed'> | null> {
  const { generation, about, closed, tools, histories } = packing;
  const { folder, systemId } = generation;
  const { segmentBytes } = about;
  const before = context.newest === null ? undefined : logsPosition.parse(context.newest.position);
  const fresh = (await unsealed(packing, before)).slice(0, Math.max(1, Math.floor(MOST_BYTES / segmentBytes)));
  const [first] = fresh;
  const last = fresh.at(-1);
  if (!first || !last) return null;
  requireContinuous(folder, fresh, segmentBytes);
  const files = [...histories, ...fresh.map(({ name }) => name)];
  const producer = { command: 'tar', args: ['--create', '--file=-', `--directory=${folder}`, '--', ...files] };
  await context.artifacts.stream(producer, { role: 'wal', name: 'wal.tar', minPlainBytes: segmentBytes });
  const segments: Record<string, string> = {};
  for (const { name } of fresh) segments[name] = await segmentDigest(folder, name);
  const endLsn = startOf({ number: last.number + 1n }, segmentBytes);
  // Where less came than was closed, or more than one backup takes, it is not known until when this one covers.
  const reached = closed?.end === endLsn ? closed : null;
  const restored = await restoredTimeline(context.received);
  const gap = restoredBetween(before, first, restored) ?? gapBefore(before, systemId, first);
  const position: LogsPosition = {
    systemId,
    timeline: last.timeline,
    startLsn: startOf(first, segmentBytes),
    endLsn,
    segmentBytes,
    restorePoint: reached?.restorePoint ?? null,
    gap,
    segments,
  };
  return {
    first: `${systemId}.${first.name}`,
    last: last.name,
    coversUntil: reached?.at ?? null,
    engine: { version: about.version },
    position,
    tools,
    warnings: gap === null ? [] : [gapWarning(gap)],
  };
}

/**
 * Segments that no sealed backup holds. What is sealed and was received again (state was lost) must be the same.
 * @throws BackupError `conflict` when it is another: what is sealed stays as it is.
 */
async function unsealed(
  { generation: { folder, systemId }, segments }: Packing,
  before: LogsPosition | undefined,
): Promise<readonly ReceivedSegment[]> {
  if (!before || before.systemId !== systemId || isSetBack(before, segments)) return segments;
  const sealedLast = Object.keys(before.segments).toSorted().at(-1) ?? '';
  for (const { name } of segments) {
    const sealed = before.segments[name];
    if (sealed === undefined || sealed === (await segmentDigest(folder, name))) continue;
    throw new BackupError('conflict', `The server sent another ${name} than the one that is sealed.`, {
      remedy:
        'Two servers of one system identifier write WAL on one timeline: a copy of it was started. Find out which one is production, and stop the other.',
      facts: { segment: name },
    });
  }
  return segments.filter(({ name }) => name > sealedLast);
}

function requireContinuous(folder: string, segments: readonly ReceivedSegment[], segmentBytes: number): void {
  const gap = gapIn(segments);
  if (!gap) return;
  const wanted = segmentName({ ...gap.before, number: gap.before.number + 1n }, segmentBytes);
  const found = segmentName(gap.after, segmentBytes);
  throw new BackupError('failed', `After ${segmentName(gap.before, segmentBytes)} comes ${found}, not ${wanted}.`, {
    remedy: `Look at ${folder}: a file that was in it is gone. Without it only a full helps: move the folder away.`,
    facts: { folder, wanted, found },
  });
}

/**
 * Whether a server writes an earlier timeline than the newest logs are of: after a restore in place somebody has put the
 * old data back by hand. What it writes now follows what was shipped of that timeline then, and nobody remembers that.
 */
function isSetBack(before: LogsPosition, segments: readonly ReceivedSegment[]): boolean {
  const last = segments.at(-1);
  return last !== undefined && last.timeline < before.timeline;
}

/** A timeline of a restore in place may begin right where the one before was shipped to, and follows it all the same not. */
function restoredBetween(
  before: LogsPosition | undefined,
  { timeline }: ReceivedSegment,
  restored: number | undefined,
): string | null {
  if (!before || restored === undefined || before.timeline >= restored || timeline < restored) return null;
  return `the server was restored in place, and writes timeline ${timeline} since then`;
}

/** Why these do not follow what is sealed; null where they do, or are the first of all. */
function gapBefore(before: LogsPosition | undefined, systemId: string, first: ReceivedSegment): string | null {
  if (!before) return null;
  if (before.systemId !== systemId) return `this is another cluster (${systemId}) than before (${before.systemId})`;
  if (first.timeline < before.timeline)
    return `the server was set back: it writes timeline ${first.timeline} again, after ${before.timeline}`;
  const sealed = lastSegment(before);
  if (sealed && follows(sealed, first)) return null;
  return `they begin with ${first.name}, and the last shipped ones end at ${before.endLsn} of timeline ${before.timeline}`;
}

function gapWarning(reason: string): Warning {
  const message = `There is a hole in the logs before these: ${reason}. A full is due; times in the hole cannot be restored.`;
  return { code: 'logs-gap', message, partial: true };
}
