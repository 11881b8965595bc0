/** Scratch folders that may hold plaintext: removed whatever happens, by the next one's start where its process was killed. */
import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { uptime } from 'node:os';
import path from 'node:path';
import { FOLDER_MODE } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder, type Holder } from './holder.ts';
import { removeTree } from './remove-tree.ts';

/** On a share, or in another container, somebody may be at work: what was not touched for so long, in milliseconds, is dead. */
const FOREIGN = 24 * 3_600_000;

/**
 * Runs `body` with a new folder `<within>/<prefix>…` (0700), and removes it whatever happens, unless `body` has moved it
 * away. Folders of the same prefix whose process is dead are removed first.
 * @param within an existing folder.
 */
export async function withScratch<T>(
  within: string,
  prefix: string,
  body: (scratch: string) => Promise<T>,
): Promise<T> {
  await sweepScratch(within, prefix);
  const scratch = path.join(within, `${prefix}${randomUUID()}${holderTag(thisHolder())}`);
  await translated(scratch, 'making a scratch folder', () => mkdir(scratch, { mode: FOLDER_MODE }));
  try {
    return await body(scratch);
  } finally {
    await removeTree(scratch);
  }
}

/** Whoever runs a private server passes through, and reads nothing: what is restored inside is closed to all but him. */
export const PASSABLE = 0o711;

/**
 * Makes a folder, with what is missing above it, that a server's user can pass. One that exists stays as it is: who may pass is
 * for whoever made it to say.
 */
export async function makePassable(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  // By hand, since a service has a umask of 0077.
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) await chmod(made, PASSABLE);
}

/**
 * Removes the scratch folders of dead processes; a folder that does not exist has none. Where everybody may make folders, as in /tmp, only those of
 * this process's user: who has made another could lead its removal elsewhere.
 */
export async function sweepScratch(within: string, prefix: string): Promise<void> {
  await translated(within, 'looking for what killed restores left', async () => {
    const names = ((await ifThere(readdir(within))) ?? []).filter((name) => name.startsWith(prefix));
    if (names.length === 0) return;
    const owner = (await stat(within)).mode & STICKY ? process.geteuid?.() : undefined;
    for (const name of names) {
      const folder = path.join(within, name);
      if (await isDead(folder, owner)) await removeTree(folder);
    }
  });
}

/** Who may write to a folder removes nobody else's files: stat(2). */
const STICKY = 0o1000;

/** Who else is known to be at work in scratch of the same prefix beside this one; of another container nothing is known. */
export async function othersAtWork(scratch: string, prefix: string): Promise<readonly Holder[]> {
  const found: Holder[] = [];
  for (const name of (await ifThere(readdir(path.dirname(scratch)))) ?? []) {
    const holder = holderOfName(name);
    const isOther = name.startsWith(prefix) && name[prefix.length + UUID] === '~' && name !== path.basename(scratch);
    if (holder && isOther && (await isAlive(holder))) found.push(holder);
  }
  return found;
}

/** Characters. */
const UUID = 36;

/** @param owner whose it must be; undefined: anybody's. */
async function isDead(folder: string, owner?: number): Promise<boolean> {
  const holder = holderOfName(folder);
  // Not made by us: what is nobody's is not ours to delete.
  if (holder === undefined) return false;
  const found = await ifThere(lstat(folder));
  if (found === undefined || (owner !== undefined && found.uid !== owner)) return false;
  if (holder.boot === thisHolder().boot) {
    const alive = await isAlive(holder);
    if (alive !== undefined) return !alive;
  } else if (found.mtimeMs < bootTime() && (await isOnOwnDisk(folder))) return true;
  return Date.now() - found.mtimeMs > FOREIGN;
}

/** Milliseconds since the epoch. What another machine makes through a share of this one's is younger. */
function bootTime(): number {
  return Date.now() - uptime() * 1000;
}

/** Nobody outlives a boot on a disk of this machine; a share may be in use from another. */
async function isOnOwnDisk(folder: string): Promise<boolean> {
  const fileSystem = await ifThere(statfs(folder));
  return fileSystem !== undefined && LOCAL.has(fileSystem.type);
}

/** File systems that one kernel alone writes to, by their magic numbers: statfs(2). */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0x01021994, // tmpfs
]);
