/** Reading of what a program writes in many small pieces. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from './errno.ts';

const BLOCK = 256 * 1024;
/** Milliseconds to let more come. A pipe of 1 MiB holds some five thousand lines of tar's: it is not filled so soon. */
const PAUSE = 25;

/**
 * The bytes of a pipe, looked at now and then, and at once when `ended` is aborted. tar flushes each line of its
 * list: a hundred thousand events of a Socket cost half a second of Node's time, and of the cores that tar, zstd and
 * age need. A block's memory is used again for the next one. Takes over the descriptor.
 */
export async function* pollPipe(fd: number, ended?: AbortSignal): AsyncGenerator<Uint8Array> {
  // Opened again, so that non-blocking is a property of this end alone, and no read of it can block.
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  closeSync(fd);
  const block = Buffer.allocUnsafeSlow(BLOCK);
  try {
    for (;;) {
      const bytes = readNow(own, block);
      if (bytes === 0) return;
      if (bytes !== undefined) yield block.subarray(0, bytes);
      if (bytes === undefined || bytes < BLOCK / 2) await pause(ended);
    }
  } finally {
    closeSync(own);
  }
}

/** Undefined where nothing is there yet. */
function readNow(fd: number, block: Buffer): number | undefined {
  try {
    return readSync(fd, block);
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return undefined;
    throw error;
  }
}

/** What a program that has ended left running may still hold the pipe, so there is a pause then, too. */
async function pause(ended: AbortSignal | undefined): Promise<void> {
  if (ended?.aborted === true) await sleep(1);
  else await sleep(PAUSE, undefined, { ...(ended && { signal: ended }) }).catch(() => undefined);
}
