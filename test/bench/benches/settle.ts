/** The same state of the machine before each run. */
import { shell } from '../shell.ts';

/**
 * Everything that was written before is on the disk, so that nobody pays for another's output, and all data have
 * been read once, so that all find them in memory.
 */
export function warm(folder: string, signal: AbortSignal): () => Promise<void> {
  return async () => {
    await shell('sync; find "$DATA" -type f -print0 | xargs -0 -P "$(nproc)" -n 1000 cat > /dev/null', {
      env: { DATA: folder },
      signal,
    });
  };
}

export const WARM_NOTE =
  'Before each run earlier output was synced and the data were read once, so that all find them in memory. Outputs lie on the same file system and are deleted after each run. Memory: peak resident sets, sampled; a worker has its modules loaded before, as in service.';
