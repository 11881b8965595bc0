/** Until when a backup is to stay at a destination: as long as the rules keep it, and whatever builds on it. */
import { formatReference } from '../../model/reference.ts';
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
