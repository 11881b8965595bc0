/** What was backed up behind a moment, and which destinations hold none of it. */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { MANIFEST, sourceFolder } from '../../model/paths.ts';
import { defaultGroup, TIERS } from '../../model/source.ts';
import type { Site } from '../site.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { manifestDigest, readableManifest } from '../storage/manifest-file.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { bounded } from './bounded.ts';
import { destinationsOf, isRemovableIn } from './plan-run.ts';
import { sourceConfig } from './source-config.ts';

/** Milliseconds for a look at one destination. */
const LOOKING = 10_000;

/** Fulls and incrementals of a source in the repository that began after a moment (RFC 3339), the oldest first. A damaged one is none. */
export async function backupsSince(
  { site, source }: { readonly site: Site; readonly source: string },
  since: string,
): Promise<readonly Catalogued[]> {
  const config = sourceConfig(site, source);
  const group = config.group ?? defaultGroup(config.type);
  const store = await openRepository(site);
  const found: Catalogued[] = [];
  for (const tier of TIERS) {
    for await (const { key } of store.list(sourceFolder({ source, group, tier }), { named: MANIFEST })) {
      const bytes = await store.readSmall(key);
      const manifest = bytes && readableManifest(bytes);
      if (!manifest || manifest.kind === 'logs' || manifest.started <= since) continue;
      found.push({ name: { tier, source, id: manifest.id }, folder: path.posix.dirname(key), manifest });
    }
  }
  return found.toSorted((a, b) => a.manifest.started.localeCompare(b.manifest.started));
}

/**
 * Destinations that take one of these backups, and hold none. A manifest there stands for its chain: parents are copied
 * before it. One that cannot be looked at, for whatever reason, counts as without: what makes up for it says why. A
 * removable disk is not waited for: catch-up serves it when it is back.
 */
export async function destinationsWithout(
  site: Site,
  backups: readonly Catalogued[],
  work: Work,
): Promise<readonly string[]> {
  const taking = new Set(backups.flatMap(({ manifest }) => destinationsOf(site, manifest.tier ?? 'daily')));
  const names = [...taking].filter((name) => !isRemovableIn(site, name));
  const holding = await Promise.all(
    names.map((destination) => {
      const taken = backups.filter(({ manifest }) =>
        destinationsOf(site, manifest.tier ?? 'daily').includes(destination),
      );
      return holdsOne(site, destination, taken, work);
    }),
  );
  return names.filter((_name, index) => !holding[index]);
}

/** The newest is most likely there. */
async function holdsOne(site: Site, name: string, backups: readonly Catalogued[], work: Work): Promise<boolean> {
  const destination = openDestination(name, site);
  try {
    return await bounded({ what: `looking at ${name}`, limit: LOOKING, work }, async () => {
      for (const { folder, manifest } of backups.toReversed()) {
        if (isSame(await destination.readSmall(`${folder}/${MANIFEST}`), manifest)) return true;
      }
      return false;
    });
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    return false;
  }
}

function isSame(bytes: Uint8Array | undefined, manifest: Manifest): boolean {
  const found = bytes && readableManifest(bytes);
  return found !== undefined && manifestDigest(found) === manifestDigest(manifest);
}
