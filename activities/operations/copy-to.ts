/** A copy of one sealed backup at one destination, confirmed there. */
import { pinnedReference, type PinnedReference } from '../../model/reference.ts';
import { sizes } from '../../model/manifest.ts';
import type { CopiedBackup } from '../../model/run.ts';
import type { Site } from '../site.ts';
import { findPinned, listBackups } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { copyBackup } from './copy.ts';

export interface CopyToRequest {
  readonly site: Site;
  readonly backup: PinnedReference;
  readonly destination: string;
  readonly work: Work;
}

/** @throws BackupError `not-found`, `unreachable`, `no-space`, `verification-failed`. */
export async function copyToDestination({ site, backup, destination, work }: CopyToRequest): Promise<CopiedBackup> {
  const started = Date.now();
  const from = await openRepository(site);
  const catalogue = await listBackups(from, { logs: false });
  const found = findPinned(catalogue, pinnedReference.parse(backup));
  await copyBackup({ site, from, to: openDestination(destination, site), backup: found, catalogue, work });
  return { destination, bytes: sizes(found.manifest).stored, milliseconds: Date.now() - started };
}
