/** Which full the archive takes: one of the last seven days, so that nothing is read from the source twice. */
import type { SourceConfig } from '../../../model/config/source.ts';
import type { Verified } from '../../../model/evidence.ts';
import type { PinnedReference } from '../../../model/reference.ts';
import type { Tier } from '../../../model/source.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { listBackups, pinned, type Catalogued } from '../../storage/catalogue.ts';
import { readEvidence } from '../../storage/evidence-file.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { openRepository } from '../../storage/repository.ts';

/** Milliseconds: as old as it may be. */
const RECENT = 7 * 86_400_000;

export interface ChooseRequest {
  readonly site: Site;
  readonly source: string;
  readonly config: SourceConfig;
  /** RFC 3339: of the run. Later ones are not taken, so that the same run again takes the same. */
  readonly scheduled: string;
}

/**
 * The newest verified weekly full in the repository, else the newest full of another tier; none that a check found damaged,
 * and none without the logical exports that a monthly is to hold. Null: one is to be captured.
 */
export async function chooseForArchive({ site, source, config, scheduled }: ChooseRequest): Promise<Catalogued | null> {
  const store = await openRepository(site);
  const trusted = await trustedKeys(site);
  const [catalogue, evidence] = await Promise.all([
    listBackups(store, { logs: false }),
    readEvidence(store, trusted, source),
  ]);
  const until = Date.parse(scheduled);
  const fulls = catalogue
    .filter(({ name, manifest }) => name.source === source && manifest.kind === 'full' && manifest.copyOf === null)
    // The archive's manifest is signed here: it must not make a stranger's ours.
    .filter(({ manifest }) => manifestVerdict(manifest, trusted) === 'good')
    .filter(
      ({ manifest }) => isWithin(Date.parse(manifest.scheduled), until) && holdsExports(manifest.artifacts, config),
    )
    .toSorted((a, b) => b.manifest.scheduled.localeCompare(a.manifest.scheduled));
  const verdict = (full: Catalogued) => lastVerdict(full, evidence);
  const weekly = fulls.find((full) => full.manifest.tier === 'weekly' && verdict(full) === 'ok');
  return weekly ?? fulls.find((full) => verdict(full) !== 'failed') ?? null;
}

/** Whether a full of the one time is recent enough for an archive of the other, both in milliseconds since the epoch. */
export function isWithin(time: number, until: number): boolean {
  return time <= until && until - time <= RECENT;
}

function holdsExports(artifacts: Catalogued['manifest']['artifacts'], config: SourceConfig): boolean {
  const wanted: readonly Tier[] = 'export' in config ? (config.export?.tiers ?? []) : [];
  return !wanted.includes('monthly') || artifacts.some(({ role }) => role === 'export');
}

/** What the last check of it in the repository found. */
export function lastVerdict({ manifest }: Catalogued, evidence: readonly Verified[]): Verified['verdict'] | undefined {
  return lastVerdictOf(pinned(manifest), evidence);
}

export function lastVerdictOf(
  { sha256 }: PinnedReference,
  evidence: readonly Verified[],
): Verified['verdict'] | undefined {
  return evidence.findLast(({ backup, destination }) => backup.sha256 === sha256 && destination === null)?.verdict;
}
