/** Until when a backup is to stay at a destination: as long as the rules keep it, and whatever builds on it. */
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { formatReference, parseReference } from '../../model/reference.ts';
import { keptUntil } from '../../model/retention/kept-until.ts';
import type { Site } from '../site.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import type { Keeping } from '../storage/types.ts';

/** @param catalogue in which what builds on it is looked for. */
export function keepingOf(
  { config }: Pick<Site, 'config'>,
  destination: string,
  backup: Catalogued,
  catalogue: readonly Catalogued[],
): Keeping {
  const now = Date.now();
  const ends = [backup, ...builtOn(backup, catalogue)].flatMap(({ manifest }) => {
    const { source, tier, scheduled, started } = manifest;
    return keptUntil({ config, destination, source, tier, scheduled, started }, now)?.getTime() ?? [];
  });
  return ends.length === 0 ? {} : { until: new Date(Math.max(...ends)) };
}

/** Until when a recovery point is to stay at a destination: as long as any backup that it names. */
export function keepingOfPoint(
  { config }: Pick<Site, 'config'>,
  destination: string,
  { scheduled, sources }: Pick<RecoveryPoint, 'scheduled' | 'sources'>,
): Keeping {
  const now = Date.now();
  const ends = sources.flatMap(({ source, backup }) => {
    const name = backup && parseReference(backup.reference);
    // Of a source that was taken out of the config no rule is known.
    if (!name || config.sources[source] === undefined) return [];
    const made = { source, tier: name.tier, scheduled, started: scheduled };
    return keptUntil({ config, destination, ...made }, now)?.getTime() ?? [];
  });
  return ends.length === 0 ? {} : { until: new Date(Math.max(...ends)) };
}

/** Children, and children of those. */
function builtOn(backup: Catalogued, catalogue: readonly Catalogued[]): readonly Catalogued[] {
  const byParent = Map.groupBy(catalogue, ({ manifest }) => manifest.parent?.reference ?? null);
  const found = new Set<Catalogued>();
  for (const queue = [backup]; queue.length > 0;) {
    const next = queue.pop();
    for (const child of (next && byParent.get(formatReference(next.name))) ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      queue.push(child);
    }
  }
  return [...found];
}
