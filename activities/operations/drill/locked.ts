/** What an attacker cannot have taken: whatever a lock keeps at this moment, by what the destination itself says of each object. */
import { MANIFEST } from '../../../model/paths.ts';
import { formatReference } from '../../../model/reference.ts';
import type { Site } from '../../site.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import { openDestination } from '../../storage/destinations.ts';
import { inParallel } from '../../storage/parallel.ts';
import { openPlaceNamed } from '../keys/places.ts';
import type { Left } from './choose.ts';

/** Backups that are asked for at once. */
const PARALLEL = 8;

/** A place with what is not locked there, so that it can be said what is passed over. */
export async function openWithUnlocked(left: Site, name: string): Promise<Left['store']> {
  const config = left.config.destinations[name];
  if (config?.type !== 's3' || config.lockedOnly !== true) return openPlaceNamed(left, name);
  const destinations = { ...left.config.destinations, [name]: { ...config, lockedOnly: false } };
  return openDestination(name, { ...left, config: { ...left.config, destinations } });
}

/** Those of the backups of which some object is not locked any more, or never was, and which; of a place without locks all. */
export async function whyUnlocked(
  { name: place, store }: Pick<Left, 'name' | 'store'>,
  backups: readonly Catalogued[],
): Promise<ReadonlyMap<Catalogued, string>> {
  const found = await inParallel(backups, PARALLEL, async (backup) => {
    const { name, folder, manifest } = backup;
    for (const object of [MANIFEST, ...manifest.artifacts.map((artifact) => artifact.name)]) {
      if (await isLocked(store, `${folder}/${object}`)) continue;
      return [[backup, `${place}: ${formatReference(name)} is passed over: no lock keeps its ${object} now`] as const];
    }
    return [];
  });
  return new Map(found.flat());
}

async function isLocked({ lockedUntil }: Left['store'], key: string): Promise<boolean> {
  return ((await lockedUntil?.(key)) ?? null) !== null;
}
