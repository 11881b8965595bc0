/** A copy of one sealed backup at one destination, confirmed there. */
import { DEFAULT_COPIES } from '../../model/config/destinations/common.ts';
import { pinnedReference, type PinnedReference } from '../../model/reference.ts';
import { sizes } from '../../model/manifest.ts';
import type { CopiedBackup, SkippedCopy } from '../../model/run.ts';
import { openingOf, windowsInWords } from '../../model/windows.ts';
import type { Tier } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { chainOf, findPinned, listBackups } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { limitedTo } from '../storage/rate.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { archiveAt } from './archive/index.ts';
import { noteHeld } from './catch-up/memory.ts';
import { copyBackup } from './copy.ts';
import { withCopyUnderWay } from './copy-under-way.ts';
import { withTurn, type TurnRequest } from './turns.ts';
import { isAbsence } from './plan-run.ts';

export interface CopyToRequest {
  readonly site: Site;
  readonly backup: PinnedReference;
  readonly destination: string;
  /** Of the plan: a monthly one archives, whatever tier the backup is of. Absent: it is copied as it is. */
  readonly tier?: Tier;
  readonly work: Work;
}

/**
 * Copies it now, or says why it is copied later, which is no failure: a removable disk is absent, or no window is open.
 * @throws BackupError `not-found`, `unreachable`, `no-space`, `verification-failed`.
 */
export async function copyToDestination(request: CopyToRequest): Promise<CopiedBackup | SkippedCopy> {
  const { site, destination, tier } = request;
  // What the archive step makes is made there alone: nothing in the repository owes it, and catch-up could not make it.
  if (tier === 'monthly') return withTurn(turnOf(request), (work) => copyNow({ ...request, work }, undefined));
  const config = site.config.destinations[destination];
  const opening = openingOf(config?.windows, Date.now(), site.config.timeZone);
  if (!opening.open)
    return {
      destination,
      skipped: `it takes copies ${windowsInWords(config?.windows ?? [], site.config.timeZone)} only; catch-up makes this one`,
    };
  try {
    // A turn first, and what is under way after it: in the other order two could wait for each other.
    return await withTurn(turnOf(request), (work) => copyNow({ ...request, work }, opening.maxRate));
  } catch (error) {
    if (!isAbsence(site, destination, error)) throw error;
    return { destination, skipped: 'the removable disk is absent; catch-up makes this copy when it is back' };
  }
}

/** The limit is read with each copy: a change of the config counts from the next one on. */
function turnOf({ site, destination, work }: CopyToRequest): TurnRequest {
  const limit = site.config.destinations[destination]?.copies ?? DEFAULT_COPIES;
  return { place: `${site.repository}\0${destination}`, limit, work };
}

async function copyNow(
  { site, backup, destination, tier, work }: CopyToRequest,
  maxRate: number | undefined,
): Promise<CopiedBackup> {
  const started = Date.now();
  const from = await openRepository(site);
  const catalogue = await listBackups(from, { logs: false });
  const found = findPinned(catalogue, pinnedReference.parse(backup));
  const to = limitedTo(openDestination(destination, site), maxRate);
  if (tier === 'monthly') {
    await archiveAt({ site, from, to, original: found, work });
  } else {
    // Catch-up may just be at it; then nothing is left to do but to see that it is there.
    await withCopyUnderWay({ site, destination, folder: found.folder, wait: true, work }, () =>
      copyBackup({ site, from, to, backup: found, catalogue, work }),
    );
    await noteHeld(
      site,
      destination,
      chainOf(catalogue, found).map(({ folder }) => folder),
    );
  }
  return { destination, bytes: sizes(found.manifest).stored, milliseconds: Date.now() - started };
}
