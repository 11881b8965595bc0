/** Copying of one file into a folder of objects: visible only when whole, durable and read back. */
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { digestFile } from '../streams/digest.ts';
import { aborted } from '../streams/pipeline.ts';
import type { Work } from '../work.ts';
import { damagedFile, isEqual, missingFile } from './damaged-file.ts';
import { FILE_MODE } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';
import { publishIncoming, withIncoming } from './incoming.ts';
import { paceOf } from './rate.ts';
import { readBack } from './read-back.ts';
import type { Stored } from './types.ts';

const CHUNK = 1024 * 1024;

export interface FilePut {
  readonly root: string;
  readonly key: string;
  /** The file to copy. */
  readonly file: string;
  readonly expected: Stored;
  /** Name of the destination, for progress and messages. */
  readonly to: string;
  /** Bytes a second; no limit when absent. */
  readonly maxRate?: number | undefined;
  readonly work: Work;
}

/**
 * Copies a file below `root` under its key. The copy is written beside, made durable, dropped from the page cache,
 * read back and compared with `expected`; only then does it get its name. So one pass of hashing confirms both sides:
 * when the digest is right, what was read was right and so is what is stored.
 */
export async function putFile(request: FilePut): Promise<void> {
  const { root, key, expected, to, work } = request;
  const target = path.join(root, key);
  if (await isSame(target, expected, request)) return;
  await withIncoming(root, key, async (temporary) => {
    await copy(temporary, request);
    const written = await confirm(temporary, request);
    if (!isEqual(written, expected)) throw await mismatch(written, request);
    throwIfAborted(work);
    await publishIncoming(root, temporary, key);
    work.log.debug({ key, destination: to, bytes: expected.bytes }, 'object stored and read back');
  });
}

/** Reading back moves no new bytes; it shows as activity, so that it is not taken for a standstill. */
function confirm(file: string, { to, expected, work }: FilePut): Promise<Stored> {
  const phase = `confirming at ${to}`;
  const total = expected.bytes;
  const confirming: Work = {
    ...work,
    progress: ({ bytes }) => work.progress({ phase, bytes: total, total, activity: bytes }),
  };
  return readBack(file, confirming, phase);
}

async function isSame(target: string, expected: Stored, request: FilePut): Promise<boolean> {
  const found = await ifThere(stat(target));
  if (found === undefined || !found.isFile() || found.size !== expected.bytes) return false;
  return isEqual(await confirm(target, request), expected);
}

async function copy(temporary: string, { file, to, expected, maxRate, work }: FilePut): Promise<void> {
  const from = await translated(file, `reading ${file}`, () => ifThere(open(file, 'r')));
  if (from === undefined) throw missingFile(file, to);
  try {
    const into = await open(temporary, 'wx', FILE_MODE);
    try {
      const pace = paceOf(maxRate);
      let paced = 0;
      await pump({ from, file, into }, async (bytes) => {
        throwIfAborted(work);
        work.progress({ phase: `copying to ${to}`, bytes, total: expected.bytes, activity: 0 });
        await pace(bytes - paced, work.signal).catch(() => throwIfAborted(work));
        paced = bytes;
      });
      await into.sync();
    } finally {
      await into.close();
    }
  } finally {
    await from.close();
  }
}

interface Pump {
  readonly from: FileHandle;
  /** Name of `from`, for messages. */
  readonly file: string;
  readonly into: FileHandle;
}

/** Reads the next chunk while the last one is written. Not copy_file_range: it would share blocks where it can, and that is no copy. */
async function pump({ from, file, into }: Pump, moved: (bytes: number) => Promise<void>): Promise<void> {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)] as const;
  let bytes = 0;
  let writing: Promise<void> = Promise.resolve();
  try {
    for (let turn = 0; ; turn += 1) {
      const buffer = buffers[turn % 2 === 0 ? 0 : 1];
      const { bytesRead } = await translated(file, `reading ${file}`, () => from.read(buffer, 0, CHUNK, null));
      await writing;
      await moved(bytes);
      if (bytesRead === 0) return;
      bytes += bytesRead;
      writing = writeAll(into, buffer.subarray(0, bytesRead));
      // It is awaited in the next turn; until then its failure must not count as unhandled.
      writing.catch(() => undefined);
    }
  } finally {
    await writing.catch(() => undefined);
  }
}

async function writeAll(into: FileHandle, bytes: Buffer): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const { bytesWritten } = await into.write(bytes, offset);
    offset += bytesWritten;
  }
}

/** Which side is wrong: the file that was to be copied, or what came back of it. */
async function mismatch(written: Stored, { file, key, to, expected, work }: FilePut): Promise<BackupError> {
  const here = await digestFile(file, work, 'reading the local file again').catch((error: unknown) => {
    throw error instanceof BackupError && error.code === 'not-found' ? missingFile(file, to) : error;
  });
  const facts = {
    key,
    file,
    expectedBytes: expected.bytes,
    expectedSha256: expected.sha256,
    foundBytes: here.bytes,
    foundSha256: here.sha256,
  };
  if (!isEqual(here, expected)) return damagedFile({ key, file, expected, found: here, to });
  return new BackupError('failed', `${to} gave back other bytes than were written to it for ${key}.`, {
    remedy: 'Look at the health of that disk (dmesg, smartctl -a) and of the memory; the step is tried again.',
    facts: { ...facts, foundBytes: written.bytes, foundSha256: written.sha256 },
  });
}

function throwIfAborted(work: Work): void {
  if (work.signal.aborted) throw aborted();
}
