/**
 * Files of a running server, held open. The server replaces and removes them by name; what an open descriptor is of
 * stays whole until it is closed, and the kernel closes it with this process. So nothing has to be linked beside the
 * server's files, and nothing is left behind by a worker that was killed.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import type { Program } from '../../streams/types.ts';

/** Opens a file for reading. */
export async function openHeld(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw error;
    throw new BackupError('access-denied', `${file} cannot be read: ${String(error)}`, {
      remedy: 'Run the worker as a user that may read the data folder of the server, or choose method: stream.',
      facts: { file },
      cause: error,
    });
  }
}

/** A program that writes the first bytes of a held file: the file that was opened, whatever bears its name by now. */
export function readHeld({ fd }: FileHandle, bytes: number): Program {
  return { command: 'head', args: ['-c', String(bytes), `/proc/${process.pid}/fd/${fd}`] };
}
