/** Scratch folders that may hold plaintext: removed whatever happens, by the next one's start where its process was killed. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { FOLDER_MODE } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from './holder.ts';

/** On a share another machine may be at work: what was not touched for so long, in milliseconds, is dead. */
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
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Removes the scratch folders of dead processes; a folder that does not exist has none. */
export async function sweepScratch(within: string, prefix: string): Promise<void> {
  await translated(within, 'looking for what killed restores left', async () => {
    for (const name of (await ifThere(readdir(within))) ?? []) {
      const folder = path.join(within, name);
      if (name.startsWith(prefix) && (await isDead(folder))) await rm(folder, { recursive: true, force: true });
    }
  });
}

async function isDead(folder: string): Promise<boolean> {
  const holder = holderOfName(folder);
  // Not made by us: what is nobody's is not ours to delete.
  if (holder === undefined) return false;
  const known = holder.boot === thisHolder().boot ? await isAlive(holder) : undefined;
  if (known !== undefined) return !known;
  const found = await ifThere(lstat(folder));
  return found !== undefined && Date.now() - found.mtimeMs > FOREIGN;
}
