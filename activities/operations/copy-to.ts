/** A copy of one sealed backup at one destination, confirmed there. */
import { pinnedReference, type PinnedReference } from '../../model/reference.ts';
import { sizes } from '../../model/manifest.ts';
import type { CopiedBackup } from '../../model/run.ts';
import type { Tier } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { findPinned, listBackups } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { archiveAt } from './archive/index.ts';
import { copyBackup } from './copy.ts';

export interface CopyToRequest {
  readonly site: Site;
  readonly backup: PinnedReference;
  readonly destination: string;
  /** Of the plan: a monthly one archives, whatever tier the backup is of. Absent: it is copied as it is. */
  readonly tier?: Tier;
  readonly work: Work;
}

/** @throws BackupError `not-found`, `unreachable`, `no-space`, `verification-failed`. */
export async function copyToDestination({
  site,
  backup,
  destination,
  tier,
  work,
}: CopyToRequest): Promise<CopiedBackup> {
  const started = Date.now();
  const from = await openRepository(site);
  const catalogue = await listBackups(from, { logs: false });
  const found = findPinned(catalogue, pinnedReference.parse(backup));
  const to = openDestination(destination, site);
  if (tier === 'monthly') await archiveAt({ site, from, to, original: found, work });
  else await copyBackup({ site, from, to, backup: found, catalogue, work });
  return { destination, bytes: sizes(found.manifest).stored, milliseconds: Date.now() - started };
}
