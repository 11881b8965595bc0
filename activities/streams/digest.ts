/** Sizes and digests of stored bytes. */
import { createHash } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import type { Stored } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { blocksOf, openFileStream } from './blocks-of.ts';
import { readError } from './file-errors.ts';
import { aborted } from './pipeline.ts';
import { watch } from './watch.ts';

/** Counts bytes and digests them. */
export interface Counter {
  readonly add: (chunk: Uint8Array) => void;
  readonly bytes: () => number;
  /** Once, at the end. */
  readonly stored: () => Stored;
}

export function counter(): Counter {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
    },
    bytes: () => bytes,
    stored: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}

/**
 * Reads a stream to its end. Fails with `aborted`, `standstill`, or what the stream fails with.
 * @param also given every block on the way.
 */
export async function digestOf(
  readable: Readable,
  work: Work,
  phase: string,
  also: (block: Uint8Array) => void = () => {},
): Promise<Stored> {
  const count = counter();
  let failed: { readonly error: unknown } | undefined;
  const stop = watch({
    work,
    phase,
    total: null,
    bytes: count.bytes,
    activity: () => Promise.resolve(0),
    onFailure: (error) => {
      failed = { error };
      readable.destroy();
    },
  });
  try {
    addAbortSignal(work.signal, readable);
    for await (const block of blocksOf(readable)) {
      count.add(block);
      also(block);
    }
    return count.stored();
  } catch (error) {
    if (failed) throw failed.error;
    throw work.signal.aborted ? aborted() : error;
  } finally {
    await stop();
  }
}

/** Reads a file to its end. Fails with `not-found` or `access-denied` too. */
export async function digestFile(path: string, work: Work, phase: string): Promise<Stored> {
  try {
    return await digestOf(await openFileStream(path), work, phase);
  } catch (error) {
    throw readError(path, error);
  }
}
