/** Reading a stored file again, from where it is stored and not from memory. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { digestFile } from '../streams/digest.ts';
import type { Work } from '../work.ts';
import type { Stored } from './types.ts';

/**
 * Size and digest of a file, read past the page cache where the system allows. It means: the file system gave back
 * these bytes after it had reported them durable. It does not see into the caches of a disk or of a file server.
 */
export async function readBack(file: string, work: Work, phase: string): Promise<Stored> {
  await dropCache(file);
  return digestFile(file, work, phase);
}

/** Node has no posix_fadvise(2); the dd of coreutils has it. Where dd cannot, what is read may come from memory. */
async function dropCache(file: string): Promise<void> {
  try {
    await promisify(execFile)('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
  } catch {
    // The dd of busybox has no nocache: the digest is still of what the file system gives back.
  }
}
