/** A file system of a few megabytes, in memory, for a body: what fills up there harms nobody. */
import { execFileSync } from 'node:child_process';
import { temporaryFolder } from './folders.ts';

/** @param megabytes its size. */
export async function withSmallDisk(megabytes: number, body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'none', folder]);
  try {
    await body(folder);
  } finally {
    execFileSync('umount', ['--lazy', folder]);
  }
}
