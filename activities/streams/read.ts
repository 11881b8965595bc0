/** Reading of artifacts: `age -d | zstd -d | consumer`, digested on the way in. */
import { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BackupError } from '../../model/errors.ts';
import type { Stored } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { blocksOf } from './blocks-of.ts';
import { decompressedBytes, decompressor, decryptor } from './compression.ts';
import { type Counter, counter } from './digest.ts';
import { readError } from './file-errors.ts';
import { linesOf } from './lines.ts';
import { runPipeline } from './pipeline.ts';
import type { Redact } from './redact.ts';
import type { Ended, Program } from './types.ts';

/** What the manifest says of an artifact. */
export interface Expected extends Stored {
  /** Checked too where it is given. */
  readonly plainBytes?: number;
}

export interface ReadOptions {
  /** The stored bytes, from wherever they are. Destroyed on failure. */
  readonly source: Readable;
  readonly expected: Expected;
  /** The backup's age identity (`AGE-SECRET-KEY-…`). */
  readonly identity: string;
  readonly work: Work;
}

export interface ReadStreamOptions extends ReadOptions {
  /** The first gets the decrypted, decompressed bytes as its stdin; each of the others what the one before it prints. */
  readonly consumer: Program | readonly Program[];
  readonly redact?: Redact;
}

/**
 * Streams an artifact into a program, or several. What they make may be used only once this has returned: before, they
 * may have seen bytes of a damaged artifact. The gate of the last one opens only for an artifact that is right. Fails with `verification-failed` when bytes or digest differ or it
 * cannot be decrypted with this identity, `program-failed` (or `no-space`) for the consumer.
 */
export async function readStream(options: ReadStreamOptions): Promise<void> {
  const { source, identity, consumer, redact, work, expected } = options;
  const count = counter();
  const ended = await runPipeline({
    programs: [decryptor(identity), decompressor(), ...[consumer].flat()],
    feed: (fd, signal) => feedChecked(options, count, fd, signal),
    accept: (before) => checkPlain(before, expected),
    bytes: count.bytes,
    phase: 'reading',
    total: expected.bytes,
    redact,
    work,
  })
    .catch((error: unknown) => {
      throw asVerification(error);
    })
    // Also where nothing was started.
    .finally(() => source.destroy());
  checkPlain(ended, expected);
}

/**
 * The lines of an artifact. Use what came only once it has ended normally: the digest is checked last. Fails as
 * `readStream` does; leaving it early ends the programs and is no failure.
 */
export async function* readLines(options: ReadOptions): AsyncGenerator<string> {
  const { source, identity, work, expected } = options;
  const count = counter();
  const through = new PassThrough({ highWaterMark: 256 * 1024 });
  const leave = new AbortController();
  const finished = runPipeline({
    programs: [decryptor(identity), decompressor()],
    feed: (fd, signal) => feedChecked(options, count, fd, signal),
    drain: (fd, signal) => pipeline(new Socket({ fd, readable: true, writable: false }), through, { signal }),
    bytes: count.bytes,
    phase: 'reading lists',
    total: expected.bytes,
    work: { ...work, signal: AbortSignal.any([work.signal, leave.signal]) },
  });
  finished.catch((error: unknown) => through.destroy(error instanceof Error ? error : undefined));
  try {
    yield* linesOf(through);
    checkPlain(await finished, expected);
  } catch (error) {
    // Where the stream broke off, the pipeline knows why.
    await finished.catch((cause: unknown) => Promise.reject(asVerification(cause)));
    throw error;
  } finally {
    leave.abort();
    await finished.catch(() => undefined);
    source.destroy();
  }
}

/** Bytes and digest are compared before stdin ends, so that no program ever sees a damaged artifact as a whole one. */
async function feedChecked(
  { source, expected }: ReadOptions,
  count: Counter,
  fd: number,
  signal: AbortSignal,
): Promise<void> {
  async function* checked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      count.add(chunk);
      if (count.bytes() > expected.bytes) throw differs('longer than the manifest says', expected, count.bytes());
      yield chunk;
    }
    if (count.bytes() < expected.bytes) throw differs('shorter than the manifest says', expected, count.bytes());
    if (count.stored().sha256 !== expected.sha256) throw differs('not what was stored', expected, count.bytes());
  }
  try {
    await pipeline(checked(blocksOf(source)), new Socket({ fd, readable: false, writable: true }), { signal });
  } catch (error) {
    // What the device says; what the programs say is told by their exit status.
    throw readError('the stored file', error);
  }
}

function differs(how: string, expected: Stored, bytes: number): BackupError {
  return new BackupError('verification-failed', `The artifact is ${how}: it is damaged.`, {
    remedy: OTHER_COPY,
    facts: { bytes, expectedBytes: expected.bytes, expectedSha256: expected.sha256 },
  });
}

const OTHER_COPY = 'Use another copy of this backup, or another backup.';

/** The fact of an error that says: nothing was decrypted with this identity, not even a byte. */
const LOCKED = 'locked';

/** Whether an artifact could not be opened at all, for the identity is not the one that it was encrypted to. */
export function isLocked(error: unknown): boolean {
  return error instanceof BackupError && error.facts[LOCKED] === true;
}

/** age and zstd fail on what is damaged or locked to another key; when they are killed, it says nothing of the artifact. */
function asVerification(error: unknown): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const { program, code, stderr } = error.facts;
  if ((program !== 'age' && program !== 'zstd') || code === null) return error;
  // One flipped bit in the header looks like another recipient.
  if (/no identity matched/.test(String(stderr))) {
    const message = 'The artifact is locked to another key than its manifest holds, or its header is damaged.';
    return new BackupError('verification-failed', message, {
      remedy: OTHER_COPY,
      facts: { ...error.facts, [LOCKED]: true },
      cause: error,
    });
  }
  return new BackupError('verification-failed', `The artifact cannot be read: ${error.message}`, {
    remedy: OTHER_COPY,
    facts: error.facts,
    cause: error,
  });
}

function checkPlain(ended: readonly Ended[], { plainBytes }: Expected): void {
  const zstd = ended[1];
  if (plainBytes === undefined || !zstd) return;
  const came = decompressedBytes(zstd);
  if (came === plainBytes) return;
  const message = `The artifact holds ${came} bytes where the manifest says ${plainBytes}.`;
  throw new BackupError('verification-failed', message, { remedy: OTHER_COPY, facts: { plainBytes, came } });
}
