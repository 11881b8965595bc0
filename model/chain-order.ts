/** In which order backups that a destination lacks are copied there. Pure. */
import type { Kind } from './source.ts';

export interface Member {
  readonly source: string;
  readonly kind: Kind;
  /** RFC 3339, UTC, whole seconds. */
  readonly scheduled: string;
}

/**
 * Newest chain first: what is restored is most likely the newest. Within a chain parents come before their children. A
 * chain is what follows a full, over all tiers: a daily incremental may build on a weekly full.
 */
export function newestChainsFirst<Backup extends Member>(backups: readonly Backup[]): readonly Backup[] {
  const chains = [...Map.groupBy(backups, ({ source }) => source).values()].flatMap(chainsOf);
  return chains.toSorted((one, two) => lastOf(two).localeCompare(lastOf(one))).flat();
}

function chainsOf<Backup extends Member>(backups: readonly Backup[]): readonly (readonly Backup[])[] {
  const chains: Backup[][] = [];
  for (const backup of backups.toSorted((one, two) => one.scheduled.localeCompare(two.scheduled))) {
    const chain = chains.at(-1);
    if (chain === undefined || backup.kind === 'full') chains.push([backup]);
    else chain.push(backup);
  }
  return chains;
}

function lastOf(chain: readonly Member[]): string {
  return chain.at(-1)?.scheduled ?? '';
}
