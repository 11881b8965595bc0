/** What each place of a site holds, for the count of copies, devices and off-site copies. */
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { placementFindings, placements } from '../../model/placement.ts';
import type { HeldBackup, HoldingPlace, SourcePlacement } from '../../model/placement.ts';
import { formatReference } from '../../model/reference.ts';
import type { Site } from '../site.ts';
import { readCatalogue } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import { openDestination } from './destinations.ts';
import { deviceOf } from './device.ts';
import { ifThere } from './fs-errors.ts';
import { manifestDigest } from './manifest-file.ts';
import { openRepository } from './repository.ts';

export interface SitePlacement {
  readonly sources: readonly SourcePlacement[];
  /** Sources below 3-2-1, places that could not be looked at, and manifests there that could not be read. */
  readonly findings: readonly Finding[];
}

/** Counts the confirmed copies of each source's newest backup, from the manifests at every place. One place that cannot be reached hides no other. */
export async function sitePlacement(site: Site): Promise<SitePlacement> {
  const looked = await Promise.all([
    look('repository', () => repositoryPlace(site)),
    ...Object.keys(site.config.destinations).map((name) => look(name, () => destinationPlace(name, site))),
  ]);
  const places = looked.flatMap(({ place }) => (place === undefined ? [] : [place]));
  const sources = placements(Object.keys(site.config.sources), places);
  // A destination that takes other tiers only is not to hold it.
  const takes = (name: string) => site.config.destinations[name]?.tiers?.includes('daily') ?? true;
  const names = places.map(({ name }) => name).filter(takes);
  const elsewhere = new Map(
    Object.entries(site.config.sources).flatMap(([name, { host }]) =>
      host === undefined || host === site.host ? [] : [[name, host] as const],
    ),
  );
  const below = placementFindings(sources, names, elsewhere);
  return { sources, findings: [...looked.flatMap(({ findings }) => findings), ...below] };
}

interface Looked {
  readonly place?: HoldingPlace;
  readonly findings: readonly Finding[];
}

async function look(
  name: string,
  at: () => Promise<{ readonly place: HoldingPlace; readonly catalogue: Catalogue }>,
): Promise<Looked> {
  try {
    const { place, catalogue } = await at();
    return { place, findings: catalogue.problems.map(({ folder, problem }) => unreadable(name, folder, problem)) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { message, remedy } = error;
    return {
      findings: [
        {
          code: 'placement.unreachable',
          severity: 'warning',
          message: `${name}: ${message}`,
          remedy: remedy ?? null,
          subject: name,
        },
      ],
    };
  }
}

async function repositoryPlace(site: Site) {
  const catalogue = await readCatalogue(await openRepository(site), { logs: false });
  // Before its first use there is no folder yet.
  const device = (await ifThere(deviceOf(site.repository))) ?? 'none';
  return { place: { name: 'repository', device, offsite: false, backups: heldOf(catalogue) }, catalogue };
}

async function destinationPlace(name: string, site: Site) {
  const destination = openDestination(name, site);
  const catalogue = await readCatalogue(destination, { logs: false });
  const place = { name, device: await destination.device(), offsite: destination.offsite, backups: heldOf(catalogue) };
  return { place, catalogue };
}

/** Logs have copies of their own, and are not what a source restores from alone. */
function heldOf({ backups }: Catalogue): readonly HeldBackup[] {
  return (
    backups
      // What the archive holds under another tier is a copy for later, and no newer than what it is of.
      .filter(({ name, manifest }) => name.tier !== null && manifest.copyOf === null)
      .map(({ name, manifest }) => ({
        source: manifest.source,
        reference: formatReference(name),
        sha256: manifestDigest(manifest),
        scheduled: manifest.scheduled,
        parent: manifest.parent?.reference ?? null,
      }))
  );
}

function unreadable(name: string, folder: string, problem: string): Finding {
  return {
    code: 'placement.unreadable',
    severity: 'warning',
    message: `${name}: ${folder} counts as no backup: ${problem}`,
    remedy: 'See what happened to it, then move it away; another copy can be copied there again.',
    subject: name,
  };
}
