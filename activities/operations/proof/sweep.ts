/** What restore tests, and others that restore into scratch, have left whose process was killed: plaintext of whole backups. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Site } from '../../site.ts';
import { sweepScratch } from '../../storage/scratch.ts';
import { PROOF, sweepProofs } from '../restore.ts';
import { EXPORTS } from '../restore-export.ts';
import { configuredScratch, ownScratch, scratchOf, whyNotOurs } from '../scratch-place.ts';

/** Removes it where they are tried now, and where they once were. Nothing is removed where a folder of our own is not ours. */
export async function sweepTests(site: Pick<Site, 'config' | 'state'>): Promise<void> {
  const named = configuredScratch(site, 'restore-tests') !== undefined;
  if (named || (await whyNotOurs(ownScratch(site.state))) === undefined) {
    await sweepProofs(scratchOf(site, 'restore-tests'));
  }
  await sweepProofs(path.join(site.state, 'restore-tests'));
  // Of commands: verify --deep, restore --key, restore --into, the proof of a rotation of keys.
  for (const prefix of [PROOF, EXPORTS]) await sweepScratch(tmpdir(), prefix);
}
