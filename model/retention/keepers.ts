/** At which places backups of a tier are kept: the last column of the strategy's table. */
import type { Tier } from '../source.ts';
import type { RetentionPlace } from './types.ts';

type Taking = Pick<RetentionPlace, 'name' | 'class' | 'tiers'>;

/**
 * Daily and weekly: local and remote; monthly: at destinations; yearly: at archives, and wherever a config names them. Where
 * none of those is left, the next best places keep them: never nobody.
 */
export function keepersOf<Place extends Taking>(tier: Tier, places: readonly Place[]): readonly Place[] {
  const local = places.filter((place) => place.class === 'local');
  const taking = places.filter((place) => place.class !== 'local' && (place.tiers?.includes(tier) ?? true));
  if (tier === 'daily' || tier === 'weekly') return [...local, ...taking];
  const named = taking.filter((place) => place.class === 'archive' || place.tiers !== null);
  return [tier === 'yearly' ? named : taking, taking, local].find((each) => each.length > 0) ?? [];
}

/** Logs go wherever daily or weekly backups go. */
export function takesLogs(place: Taking): boolean {
  return place.class === 'local' || (place.tiers?.some((tier) => tier === 'daily' || tier === 'weekly') ?? true);
}
