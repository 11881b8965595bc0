/** The same state of the machine before each run. */
import { shell } from '../shell.ts';

/**
 * Everything that was written before is on the disk, so that nobody pays for another's output, and all data have
 * been read once, so that all find them in memory.
 * @param written bytes of memory that a run takes. So much free memory is used once: a virtual machine gives what lies free for some seconds
 *   back to its host, and whoever uses it next waits for it, several times as long as for writing into it.
 */
export function warm(folder: string, signal: AbortSignal, written = 0): () => Promise<void> {
  return async () => {
    await shell(SETTLED, { env: { DATA: folder, WRITTEN: String(Math.ceil(written)) }, signal });
  };
}

const SETTLED = [
  'sync',
  'find "$DATA" -type f -print0 | xargs -0 -P "$(nproc)" -n 1000 cat > /dev/null',
  'touched="$DATA/../touched"; head -c "$WRITTEN" /dev/zero > "$touched"; rm "$touched"',
].join('; ');

export const WARM_NOTE =
  'Before each run earlier output was synced and the data were read once, so that all find them in memory. Outputs lie on the same file system and are deleted after each run. Memory: peak resident sets, sampled; a worker has its modules loaded before, as in service.';

export const TOUCHED_NOTE = 'Before each run as much free memory as it writes was used once.';
