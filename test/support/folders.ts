/** Folders of a test's own, removed when it ends. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const made: string[] = [];
const mounted: string[] = [];

/** A new empty folder below the system's temporary folder. 0755, so that servers of another user can reach what is in it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mosaic-test-'));
  made.push(folder);
  await chmod(folder, 0o755);
  return folder;
}

/** A folder on a small file system of its own (tmpfs, so it needs root): for full disks and read-only ones. */
export async function smallFileSystem(size: string): Promise<string> {
  const folder = await temporaryFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0755`, 'tmpfs', folder]);
  mounted.push(folder);
  return folder;
}

/** Mounts a small file system again, read-only or writable. */
export function remount(folder: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, folder]);
}

/** Unmounts a small file system: what is below its folder is gone, as when a disk is unplugged. */
export function unmount(folder: string): void {
  execFileSync('umount', [folder]);
  mounted.splice(mounted.indexOf(folder), 1);
}

/** Removes everything that was made. Call it in `after`. */
export async function cleanUp(): Promise<void> {
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder]);
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
}
