/** The archive step at one destination: the monthly, and the year's first as the yearly. */
import { localMonth } from '../../../model/retention/zone.ts';
import { keepersOf } from '../../../model/retention/keepers.ts';
import { sitePlaces } from '../../../model/retention/kept-until.ts';
import { MANIFEST, sourceFolder } from '../../../model/paths.ts';
import type { CopiedBackup } from '../../../model/run.ts';
import { defaultGroup, type Tier } from '../../../model/source.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import { manifestVerdict, readableManifest } from '../../storage/manifest-file.ts';
import type { Destination, LocalStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { copyBackup } from '../copy.ts';
import { copyAs } from './copy-as.ts';

export interface ArchiveRequest {
  readonly site: Site;
  readonly from: LocalStore;
  readonly to: Destination;
  /** The full that is archived. */
  readonly original: Catalogued;
  readonly work: Work;
}

/** Destinations that keep what the archive step makes. */
export function archiveDestinations({ config }: Pick<Site, 'config'>): readonly string[] {
  const places = sitePlaces(config);
  const keeping = [...keepersOf('monthly', places), ...keepersOf('yearly', places)];
  return [...new Set(keeping.filter((place) => place.class !== 'local').map(({ name }) => name))];
}

/**
 * Archives a full at a destination, under each tier that is kept there. Done twice it changes nothing.
 * @throws BackupError as `copyBackup`.
 */
export async function archiveAt(request: ArchiveRequest): Promise<CopiedBackup> {
  const { site, to } = request;
  const places = sitePlaces(site.config);
  const keeps = (tier: Tier) => keepersOf(tier, places).some(({ name }) => name === to.name);
  const made: CopiedBackup[] = [];
  if (keeps('monthly')) made.push(await underTier(request, 'monthly'));
  if (keeps('yearly') && (await isFirstOfYear(request))) made.push(await underTier(request, 'yearly'));
  return {
    destination: to.name,
    bytes: made.reduce((sum, { bytes }) => sum + bytes, 0),
    milliseconds: made.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}

function underTier(request: ArchiveRequest, tier: Tier): Promise<CopiedBackup> {
  const { original } = request;
  // Captured for the archive: it is what it is to be.
  if (original.manifest.tier === tier) return copyBackup({ ...request, backup: original, catalogue: [original] });
  return copyAs({ ...request, tier });
}

/** Whether the destination holds no other yearly of the source from the same year, by the site's calendar. A stranger's is none. */
async function isFirstOfYear({ site, to, original }: ArchiveRequest): Promise<boolean> {
  const { timeZone } = site.config;
  const yearOf = (scheduled: string) => localMonth(Date.parse(scheduled), timeZone).year;
  const { source, type, id, scheduled } = original.manifest;
  const folder = sourceFolder({ source, group: defaultGroup(type), tier: 'yearly' });
  const trusted = await trustedKeys(site);
  for await (const { key } of to.list(folder, { named: MANIFEST })) {
    const bytes = await to.readSmall(key);
    const found = bytes && readableManifest(bytes);
    if (found && manifestVerdict(found, trusted) !== 'good') continue;
    if (found && found.id !== id && yearOf(found.scheduled) === yearOf(scheduled)) return false;
  }
  return true;
}
