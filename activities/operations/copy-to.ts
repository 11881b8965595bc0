/** A copy of one sealed backup at one destination, confirmed there. */
import { pinnedReference, type PinnedReference } from '../../model/reference.ts';
import { sizes } from '../../model/manifest.ts';
import type { CopiedBackup, SkippedCopy } from '../../model/run.ts';
import { openingOf, windowsInWords } from '../../model/windows.ts';
import type { Site } from '../site.ts';
import { findPinned, listBackups } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { limitedTo } from '../storage/rate.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { copyBackup } from './copy.ts';
import { withCopyUnderWay } from './copy-under-way.ts';
import { isAbsence } from './plan-run.ts';

export interface CopyToRequest {
  readonly site: Site;
  readonly backup: PinnedReference;
  readonly destination: string;
  readonly work: Work;
}

/**
 * Copies it now, or says why it is copied later, which is no failure: a removable disk is absent, or no window is open.
 * @throws BackupError `not-found`, `unreachable`, `no-space`, `verification-failed`.
 */
export async function copyToDestination(request: CopyToRequest): Promise<CopiedBackup | SkippedCopy> {
  const { site, destination } = request;
  const config = site.config.destinations[destination];
  const opening = openingOf(config?.windows, Date.now());
  if (!opening.open)
    return {
      destination,
      skipped: `it takes copies ${windowsInWords(config?.windows ?? [])} only; catch-up makes this one`,
    };
  try {
    return await copyNow(request, opening.maxRate);
  } catch (error) {
    if (!isAbsence(site, destination, error)) throw error;
    return { destination, skipped: 'the removable disk is absent; catch-up makes this copy when it is back' };
  }
}

async function copyNow(
  { site, backup, destination, work }: CopyToRequest,
  maxRate: number | undefined,
): Promise<CopiedBackup> {
  const started = Date.now();
  const from = await openRepository(site);
  const catalogue = await listBackups(from, { logs: false });
  const found = findPinned(catalogue, pinnedReference.parse(backup));
  const to = limitedTo(openDestination(destination, site), maxRate);
  // Catch-up may just be at it; then nothing is left to do but to see that it is there.
  await withCopyUnderWay({ site, destination, folder: found.folder, wait: true, work }, () =>
    copyBackup({ site, from, to, backup: found, catalogue, work }),
  );
  return { destination, bytes: sizes(found.manifest).stored, milliseconds: Date.now() - started };
}
