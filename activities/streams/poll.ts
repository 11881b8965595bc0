/** Reading of what a program writes in many small pieces. */
import { closeSync, constants, openSync, read as readFd } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isErrno } from './errno.ts';

const read = promisify(readFd);
const BLOCK = 64 * 1024;
/** Milliseconds to let more come: a pipe holds some ten thousand lines. Longer while nothing comes at all. */
const PAUSE = 5;
const LONGEST_PAUSE = 40;

/**
 * The bytes of a pipe, looked at every few milliseconds. tar flushes each line of its list: as events of a Socket,
 * a hundred thousand of them cost half a second of Node's time, like this a hundredth. Takes over the descriptor.
 */
export async function* pollPipe(fd: number): AsyncGenerator<Uint8Array> {
  // Opened again, so that non-blocking is a property of this end alone, and no thread of the pool waits in it.
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  closeSync(fd);
  let pause = PAUSE;
  try {
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK);
      const bytes = await read(own, block, 0, BLOCK, null).then(
        (result) => result.bytesRead,
        (error: unknown) => (isErrno(error, 'EAGAIN') ? undefined : Promise.reject(error)),
      );
      if (bytes === 0) return;
      if (bytes !== undefined) yield block.subarray(0, bytes);
      pause = bytes === undefined ? Math.min(2 * pause, LONGEST_PAUSE) : PAUSE;
      if (bytes === undefined || bytes < BLOCK / 2) await sleep(pause);
    }
  } finally {
    closeSync(own);
  }
}
