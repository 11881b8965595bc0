/** What drills have left whose end nobody saw, ended from outside or given up: everything in plaintext, and servers on it. */
import { lstat, rm } from 'node:fs/promises';
import type { DrillInput } from '../../../model/drill/drill.ts';
import type { Site } from '../../site.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { scratchOf } from '../scratch-place.ts';
import { sandboxesOf, sandboxOf } from './sandbox.ts';
import { stopIn, stopOthers } from './services.ts';

type Where = Pick<Site, 'config' | 'state'>;

/** Milliseconds after which a drill has ended in any case, and so many deadlines of a step, one after another. */
const LONGEST = 7 * 86_400_000;
const STEPS = 14;

/** Removes all of other drills of the site: they take turns, so they are over. */
export async function sweepOthers(site: Site, input: Pick<DrillInput, 'runId'>): Promise<void> {
  // Also those of a scratch folder that the config names no more.
  await stopOthers(site, input);
  const own = sandboxOf(site, input).folder;
  await sweep(site, (folder) => Promise.resolve(folder !== own));
}

/** Removes what is so old that no drill goes on in it. @param now milliseconds since the epoch. */
export async function sweepSandboxes(site: Where, now = Date.now()): Promise<void> {
  const longest = Math.max(LONGEST, STEPS * site.config.plans.drill.deadline);
  await sweep(site, async (folder) => {
    const found = await ifThere(lstat(folder));
    return found !== undefined && now - found.mtimeMs > longest;
  });
}

async function sweep(site: Where, isLeft: (folder: string) => Promise<boolean>): Promise<void> {
  await translated(scratchOf(site, 'drills'), 'looking for what drills left', async () => {
    for (const folder of await sandboxesOf(site)) {
      if (!(await isLeft(folder))) continue;
      await stopIn(folder);
      await rm(folder, { recursive: true, force: true });
    }
  });
}
