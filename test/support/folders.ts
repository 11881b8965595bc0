/** Folders of a test's own, removed when it ends. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';

/** A tmpfs on every Linux; small in many containers. */
const MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
/** Bytes. The tests of all workers together take less than the first, beside their servers. */
const [ROOM, FREE] = [4 * 2 ** 30, 10 * 2 ** 30];

const made: string[] = [];
const mounted: string[] = [];

export interface FolderOptions {
  /** On a disk, for what must be true of a file system on one. */
  readonly onDisk?: boolean;
}

/**
 * A new empty folder, in memory where there is plenty of it: servers make and remove thousands of small files, which
 * on disk took a third of the tests' CPU time. 0755, so that servers of another user can reach what is in it.
 */
export async function temporaryFolder({ onDisk = false }: FolderOptions = {}): Promise<string> {
  const folder = await mkdtemp(path.join(!onDisk && hasMuchMemory() ? MEMORY : tmpdir(), 'mosaic-test-'));
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

/** Mounts a small file system at a further place, as when a disk is plugged in again; `unmount` takes it away. */
export function plugIn(disk: string, at: string): void {
  execFileSync('mount', ['--bind', disk, at]);
  mounted.unshift(at);
}

/** Unmounts a small file system: what is below its folder is gone, as when a disk is unplugged. */
export function unmount(folder: string): void {
  execFileSync('umount', [folder]);
  mounted.splice(mounted.indexOf(folder), 1);
}

/** Takes a file system away that is in use: what is open stays open, and nobody finds anything there any more. */
export function unplug(at: string): void {
  execFileSync('umount', ['-l', at]);
  mounted.splice(mounted.indexOf(at), 1);
}

/** Removes everything that was made. Call it in `after`. */
export async function cleanUp(): Promise<void> {
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder]);
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** A TMPDIR that somebody has set is where folders are wanted. */
function hasMuchMemory(): boolean {
  if (process.env['TMPDIR'] !== undefined) return false;
  const { type, bavail, bsize } = statfsSync(MEMORY);
  return type === TMPFS && bavail * bsize >= ROOM && freemem() >= FREE;
}
