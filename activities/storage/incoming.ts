/** What is being written: under a name on the same file system as the objects, hidden, and told from the leftovers of the dead. */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders, publish } from './durable.ts';
import { ifThere } from './fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from './holder.ts';

const INCOMING = '.incoming';
/** A part written from another machine or container is a leftover when nothing was added to it for so long, in milliseconds. */
const UNTOUCHED = 24 * 3_600_000;

/** Names that this process is writing to. */
const inUse = new Set<string>();

/**
 * Gives `write` a new name for an object that is being written below `root`, and removes what is under it in the end. Where
 * that fails (the place went away, and is back later), the next one does it; it removes what dead writers left, too.
 */
export async function withIncoming<T>(root: string, key: string, write: (file: string) => Promise<T>): Promise<T> {
  await makeFolders(root, INCOMING);
  await sweepIncoming(root);
  const name = `${path.posix.basename(key).slice(0, 100)}-${randomUUID()}${holderTag(thisHolder())}`;
  const file = path.join(root, INCOMING, name);
  inUse.add(name);
  try {
    return await write(file);
  } finally {
    inUse.delete(name);
    // Why the writing failed counts more than that this cannot be removed now.
    await rm(file, { force: true }).catch(() => undefined);
  }
}

/**
 * Gives a whole and durable file its key. The folders on the way are made only where it is still there: a place that went
 * away meanwhile may have left the bare folder of its mount, in which nothing is to be made.
 */
export async function publishIncoming(root: string, file: string, key: string): Promise<void> {
  await stat(file);
  await makeFolders(root, path.posix.dirname(key));
  await publish(file, path.join(root, key));
}

/** Removes what writers left that were killed in the middle, or whose place was away when they gave up. */
async function sweepIncoming(root: string): Promise<void> {
  const folder = path.join(root, INCOMING);
  for (const name of (await ifThere(readdir(folder))) ?? []) {
    const file = path.join(folder, name);
    if (await isLeftover(file, name)) await rm(file, { force: true });
  }
}

async function isLeftover(file: string, name: string): Promise<boolean> {
  const holder = holderOfName(name);
  if (holder === undefined) return false;
  const here = thisHolder();
  if (name.endsWith(holderTag(here))) return !inUse.has(name);
  if (holder.boot === here.boot && holder.namespace === here.namespace) return (await isAlive(holder)) === false;
  // Another host may be writing to the same share: only time tells.
  const found = await ifThere(stat(file));
  return found !== undefined && Date.now() - found.mtimeMs > UNTOUCHED;
}
