/** Sources: their types, groups and the names that they may bear. */
import { z } from 'zod';

/** Every source type of the design. What this version can capture is in the registry of activities/sources. */
export const SOURCE_TYPES = [
  'postgres',
  'mariadb',
  'redis',
  'gitea',
  'bookstack',
  'plane',
  'woodpecker',
  'files',
  'volume',
  'system',
] as const;
export type SourceType = (typeof SOURCE_TYPES)[number];

/** A group decides the phase of a plan in which a source is captured, and its folder in the repository. */
export const GROUPS = ['databases', 'apps', 'system', 'configs'] as const;
export type Group = (typeof GROUPS)[number];

/** The group of a source whose config names none. */
export function defaultGroup(type: SourceType): Group {
  if (type === 'postgres' || type === 'mariadb' || type === 'redis') return 'databases';
  return type === 'system' ? 'system' : 'apps';
}

/** How a backup relates to others: `incremental` has a parent, `logs` are WAL, binlogs or AOF. */
export const KINDS = ['full', 'incremental', 'logs'] as const;
export type Kind = (typeof KINDS)[number];

/** What retention counts by; the plan gives it. */
export const TIERS = ['daily', 'weekly', 'monthly', 'yearly'] as const;
export type Tier = (typeof TIERS)[number];

/** What the data looked like when they were read. */
export const CONSISTENCIES = ['quiesced', 'crash', 'fuzzy'] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** Names of sites, hosts, sources and destinations: they become folder names, queue names and labels. */
export const NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;
export const NAME_RULE =
  'a name has 1 to 63 letters, digits, dots, underscores or dashes, and starts with a letter or digit';

export const name = z.string().regex(NAME, NAME_RULE);
