/** The folder that a user's archive_command fills: what of it is whole, and of this cluster. */
import { open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import { ifThere, translated } from '../../../storage/fs-errors.ts';
import { lsnNumber } from '../base-backup.ts';
import { isArchived, type Archiver } from './archiver.ts';
import type { Server } from './describe-server.ts';
import { readReceived, type Received, type ReceivedSegment } from './received.ts';
import { startOf } from './segments.ts';

export interface Spooled extends Received {
  /** `….backup`: where a base backup began and ended. */
  readonly labels: readonly string[];
}

/**
 * What is whole: of a segment's name and size, and confirmed by the server. A segment that is being copied is smaller,
 * or at least none that the server calls archived. Temporary files bear other names.
 * @param closed name of the segment that the server has just closed.
 * @throws BackupError `unreachable` where the folder is not there, `conflict` where a segment is another cluster's.
 */
export async function readSpool(
  spool: string,
  { about, archiver, closed }: { readonly about: Server; readonly archiver: Archiver; readonly closed: string },
): Promise<Spooled> {
  const names = await translated(spool, 'reading the spool', () => ifThere(readdir(spool)));
  if (names === undefined) {
    throw new BackupError('unreachable', `The spool ${spool} is not there: no WAL is shipped.`, {
      remedy: 'Mount it, or make it and see that archive_command can write to it; logs.spool of the source names it.',
      facts: { spool },
    });
  }
  const { segments, histories } = await translated(spool, 'reading the spool', () =>
    readReceived(spool, about.segmentBytes),
  );
  // On a later timeline than its own the server archives nothing: there it says nothing, and nobody is at work.
  const whole = segments.filter(({ name }) => isArchived(archiver, name) || name.slice(0, 8) > closed.slice(0, 8));
  for (const segment of whole) await requireOwn(spool, segment, about);
  return { segments: whole, histories, labels: names.filter(isLabel).toSorted() };
}

/** Whether a segment lies there, and is the server's to take; without looking at all others. */
export async function hasSegment(spool: string, name: string, bytes: number): Promise<boolean> {
  return (await ifThere(stat(path.join(spool, name))))?.size === bytes;
}

/** `000000010000000000000002.00000028.backup` */
function isLabel(name: string): boolean {
  return /^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/.test(name);
}

/** Bytes of the header with which each segment begins: XLogLongPageHeaderData. */
const HEADER = 40;
/** XLP_LONG_HEADER in xlp_info. */
const LONG = 0x0002;

/** A segment says itself which cluster it is of, and where in its WAL it belongs. */
async function requireOwn(spool: string, { name, number }: ReceivedSegment, about: Server): Promise<void> {
  const file = path.join(spool, name);
  const header = Buffer.alloc(HEADER);
  const handle = await open(file, 'r');
  try {
    await handle.read(header, 0, HEADER, 0);
  } finally {
    await handle.close();
  }
  const isLong = (header.readUInt16LE(2) & LONG) !== 0;
  const systemId = header.readBigUInt64LE(24).toString();
  const at = header.readBigUInt64LE(8);
  if (isLong && systemId === about.systemId && at === lsnNumber(startOf({ number }, about.segmentBytes))) return;
  const what =
    isLong && systemId !== about.systemId
      ? `is of another cluster (${systemId}) than the server (${about.systemId})`
      : 'does not hold what its name says';
  throw new BackupError('conflict', `${file} ${what}. Nothing was shipped, and nothing was removed.`, {
    remedy: 'Find out who writes into this folder: it must be for one server alone. Move the file away.',
    facts: { file, systemId, expected: about.systemId },
  });
}

/** What tells a file that was read from one that took its place since. */
export interface Taken {
  readonly name: string;
  readonly identity: string;
}

export function takeAll(spool: string, names: readonly string[]): Promise<readonly Taken[]> {
  return Promise.all(names.map(async (name) => ({ name, identity: (await identityOf(path.join(spool, name))) ?? '' })));
}

/** Removes what is sealed; what was written anew meanwhile stays, and is compared by the next shipping. */
export async function dropTaken(spool: string, taken: readonly Taken[]): Promise<void> {
  for (const { name, identity } of taken) {
    const file = path.join(spool, name);
    if ((await identityOf(file)) === identity)
      await translated(file, 'removing what is sealed', () => rm(file, { force: true }));
  }
}

async function identityOf(file: string): Promise<string | undefined> {
  const found = await ifThere(stat(file, { bigint: true }));
  return found && [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join('/');
}
