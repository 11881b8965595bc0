/** Reading of a large object. A connection that is cut in the middle is made again, and the reading goes on. */
import { setTimeout as pause } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { BackupError } from '../../../model/errors.ts';

/** Times that a reading goes on after a cut without having moved in between. */
const ATTEMPTS = 4;
/** Milliseconds, times the attempts so far. */
const PAUSE = 500;

export interface Continued {
  /** Bytes in all. */
  readonly total: number;
  /** The bytes of the first answer. */
  readonly first: AsyncIterable<Uint8Array>;
  /** The bytes from there on. */
  readonly from: (at: number) => Promise<AsyncIterable<Uint8Array>>;
  /** A failure of the connection as a `BackupError`; one that is `unreachable` is what it goes on after. */
  readonly translate: (error: unknown) => unknown;
  readonly signal?: AbortSignal | undefined;
}

export function continued(reading: Continued): Readable {
  return Readable.from(blocks(reading), { objectMode: false, highWaterMark: 1024 * 1024 });
}

async function* blocks({ total, first, from, translate, signal }: Continued): AsyncGenerator<Uint8Array> {
  let at = 0;
  let body: AsyncIterable<Uint8Array> | undefined = first;
  for (let attempt = 1; ; attempt += 1) {
    const before = at;
    try {
      body ??= await from(at);
      for await (const block of body) {
        at += block.length;
        yield block;
      }
      if (at >= total) return;
      throw Object.assign(new Error('the answer ended before the object did'), { code: 'ECONNRESET' });
    } catch (error) {
      const translated = translate(error);
      if (!(translated instanceof BackupError) || translated.code !== 'unreachable') throw translated;
      if (at > before) attempt = 1;
      if (attempt >= ATTEMPTS) throw translated;
      body = undefined;
      await pause(attempt * PAUSE, undefined, signal === undefined ? {} : { signal });
    }
  }
}
