/** What restore tests whose process was killed have left: plaintext of whole backups. */
import path from 'node:path';
import type { Site } from '../../site.ts';
import { sweepProofs } from '../restore.ts';
import { configuredScratch, ownScratch, scratchOf, whyNotOurs } from '../scratch-place.ts';

/** Removes it where they are tried now, and where they once were. Nothing is removed where a folder of our own is not ours. */
export async function sweepTests(site: Pick<Site, 'config' | 'state'>): Promise<void> {
  const named = configuredScratch(site, 'restore-tests') !== undefined;
  if (named || (await whyNotOurs(ownScratch(site.state))) === undefined) {
    await sweepProofs(scratchOf(site, 'restore-tests'));
  }
  await sweepProofs(path.join(site.state, 'restore-tests'));
}
