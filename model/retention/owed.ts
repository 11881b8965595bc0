/** Which copies a destination is to hold by the rules, and which of them it lacks. */
import { keepersOf } from './keepers.ts';
import { expiryOf } from './kept-until.ts';
import type { KeptBackup, RetentionInput, RetentionPlace, SourceRules } from './types.ts';

/** By the name of a destination: the digests of what it is to hold, parents of that included; and what it holds. */
export interface Wanted {
  readonly wanted: ReadonlySet<string>;
  /** Null: it is away. */
  readonly held: ReadonlySet<string> | null;
}

/** @param own the source's backups of all places, each once, logs left out. */
export function wantedAt(
  { places, now, timeZone }: Pick<RetentionInput, 'places' | 'now' | 'timeZone'>,
  own: readonly KeptBackup[],
  rules: SourceRules,
): ReadonlyMap<string, Wanted> {
  const byReference = Map.groupBy(own, ({ reference }) => reference);
  const alive = own.filter((backup) => expiryOf(backup, rules, timeZone) > now);
  return new Map(
    places
      .filter((place) => place.class !== 'local')
      .map((place) => {
        const wanted = new Set<string>();
        for (const backup of alive) {
          if (isKeptAt(backup, place, places)) addChain(backup, byReference, wanted);
        }
        const held = place.backups && new Set(place.backups.map(({ sha256 }) => sha256));
        return [place.name, { wanted, held }];
      }),
  );
}

export function isKeptAt({ tier }: KeptBackup, place: RetentionPlace, places: readonly RetentionPlace[]): boolean {
  return tier !== null && keepersOf(tier, places).includes(place);
}

function addChain(
  backup: KeptBackup,
  byReference: ReadonlyMap<string, readonly KeptBackup[]>,
  into: Set<string>,
): void {
  if (into.has(backup.sha256)) return;
  into.add(backup.sha256);
  if (backup.parent === null) return;
  for (const parent of byReference.get(backup.parent) ?? []) addChain(parent, byReference, into);
}
