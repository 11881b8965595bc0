/** Names for what is being written: on the same file system as the objects, hidden, and told from the leftovers of the dead. */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from './durable.ts';
import { ifThere } from './fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from './holder.ts';

const INCOMING = '.incoming';
/** A part written from another machine or container is a leftover when nothing was added to it for so long, in milliseconds. */
const UNTOUCHED = 24 * 3_600_000;

/** A new name for an object that is being written below `root`. Removes what dead writers left on the way. */
export async function incomingFile(root: string, key: string): Promise<string> {
  const folder = path.join(root, INCOMING);
  await makeFolders(root, INCOMING);
  await sweepIncoming(root);
  return path.join(folder, `${path.posix.basename(key).slice(0, 100)}-${randomUUID()}${holderTag(thisHolder())}`);
}

/** Removes what writers left that were killed in the middle. */
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
  if (holder.boot === here.boot && holder.namespace === here.namespace) return (await isAlive(holder)) === false;
  // Another host may be writing to the same share: only time tells.
  const found = await ifThere(stat(file));
  return found !== undefined && Date.now() - found.mtimeMs > UNTOUCHED;
}
