/** Until when the rules alone keep a backup at a place: for locks, and for what is owed. */
import type { SiteConfig } from '../config/site.ts';
import type { Tier } from '../source.ts';
import { keepersOf, takesLogs } from './keepers.ts';
import { classOf, rulesOf } from './rules.ts';
import type { RetentionPlace, SourceRules } from './types.ts';
import { later } from './zone.ts';

/**
 * When the time of a backup is over, in milliseconds since the epoch; of logs the earliest that this may be. It begins with
 * the run that it was made for, or with its capture, where that was made up for later.
 */
export function expiryOf(
  backup: { readonly tier: Tier | null; readonly scheduled: number; readonly started: number },
  rules: SourceRules,
  timeZone: string,
): number {
  return later(
    Math.max(backup.scheduled, backup.started),
    backup.tier === null ? rules.logs : rules.periods[backup.tier],
    timeZone,
  );
}

export interface KeptAt {
  readonly config: SiteConfig;
  /** Name of a destination. */
  readonly destination: string;
  readonly source: string;
  /** Null of logs. */
  readonly tier: Tier | null;
  /** RFC 3339. */
  readonly scheduled: string;
  readonly started: string;
}

/**
 * Until when a destination is to keep a backup; null where it is not to hold it at all, or not any more. A backup whose
 * time is over is owed to nobody.
 */
export function keptUntil({ config, destination, source, tier, ...backup }: KeptAt, now: number): Date | null {
  const places = sitePlaces(config);
  const place = places.find(({ name, class: of }) => name === destination && of !== 'local');
  if (!place) return null;
  const keeps = tier === null ? takesLogs(place) : keepersOf(tier, places).includes(place);
  const times = { scheduled: Date.parse(backup.scheduled), started: Date.parse(backup.started) };
  const until = expiryOf({ tier, ...times }, rulesOf(config, source), config.timeZone);
  return keeps && until > now ? new Date(until) : null;
}

export type SitePlace = Pick<RetentionPlace, 'name' | 'class' | 'tiers'>;

/** How the repository is called among the places. */
export const LOCAL = 'repository';

/** The repository and the destinations of a site, as retention sees them. */
export function sitePlaces({ destinations }: Pick<SiteConfig, 'destinations'>): readonly SitePlace[] {
  return [
    { name: LOCAL, class: 'local', tiers: null },
    ...Object.entries(destinations).map(([name, config]) => ({
      name,
      class: classOf(config),
      tiers: config.tiers ?? null,
    })),
  ];
}
