/** Where restores of tests and drills are tried: plaintext of whole backups, of which no run leaves anything. */
import { constants, lstat, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { makePath } from '../storage/durable.ts';
import { errnoOf, ifThere, translated } from '../storage/fs-errors.ts';
import { makePassable, PASSABLE } from '../storage/scratch.ts';

export type ScratchOf = 'restore-tests' | 'drills';

type Where = Pick<Site, 'config' | 'state'>;

/** The folder: that of the config, or one of our own. */
export function scratchOf(site: Where, what: ScratchOf): string {
  return configuredScratch(site, what) ?? path.join(ownScratch(site.state), what);
}

/**
 * Not in the state folder where this process is root: that is closed to others, and private servers run as another user, who must
 * reach what they are started on. Beside it: the same disk, and `/var/lib` is nobody else's.
 */
export function ownScratch(state: string): string {
  return process.getuid?.() === 0 ? `${path.resolve(state)}-scratch` : path.join(state, 'scratch');
}

/** The folder, made where it is missing. @throws BackupError `refused` where our own is not ours; `access-denied`, `no-space`. */
export async function makeScratch(site: Where, what: ScratchOf): Promise<string> {
  const folder = scratchOf(site, what);
  await translated(folder, 'making the scratch folder', async () => {
    if (configuredScratch(site, what) !== undefined) return makePassable(folder);
    const own = ownScratch(site.state);
    await makePath(path.dirname(own));
    await makeOwn(own);
    await makeOwn(folder);
  });
  return folder;
}

/** What keeps a folder that exists from being our own, in words. */
export async function whyNotOurs(folder: string): Promise<string | undefined> {
  const found = await ifThere(lstat(folder));
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return found.isSymbolicLink() ? 'it is a link' : 'it is no folder';
  return found.uid === process.geteuid?.() ? undefined : `it belongs to the user ${found.uid}`;
}

/** What the config names. */
export function configuredScratch({ config }: Where, what: ScratchOf): string | undefined {
  const { restoreTest, drill } = config.plans;
  return (what === 'drills' ? drill : restoreTest).scratch;
}

/** Never through a link, and never where somebody else could read what is restored. */
async function makeOwn(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: PASSABLE });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  const why = await whyNotOurs(folder);
  if (why !== undefined) throw notOurs(folder, why);
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(PASSABLE);
  } finally {
    await handle.close();
  }
}

function notOurs(folder: string, why: string): BackupError {
  return new BackupError('refused', `Nothing is restored in ${folder}: ${why}. Nothing was changed.`, {
    remedy:
      'See who put it there, and move it away; or name another folder in plans.restoreTest.scratch or plans.drill.scratch.',
    facts: { folder },
  });
}
