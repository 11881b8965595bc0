/** Which destinations each scenario leaves. Pure. */
import { isLocked } from '../config/destination.ts';
import type { SiteConfig } from '../config/site.ts';
import type { Scenario } from './drill.ts';

/** By their names, in the order of the config. */
export function destinationsLeft(
  { destinations, plans }: Pick<SiteConfig, 'destinations' | 'plans'>,
  scenario: Scenario,
): readonly string[] {
  const names = Object.keys(destinations);
  const primary = plans.drill.primary ?? names[0];
  if (scenario === 'primary-storage-lost') return names.filter((name) => name !== primary);
  if (scenario === 'ransomware') return names.filter((name) => isLocked(destinations[name]));
  return names;
}

/** What is said where a scenario leaves no destination. */
export interface NothingLeft {
  readonly why: string;
  readonly remedy: string;
}

const NOTHING: Readonly<Partial<Record<Scenario, NothingLeft>>> = {
  'host-lost': {
    why: 'the site has no destinations: with its host everything is gone',
    remedy: 'Name at least one under destinations, off-site.',
  },
  'primary-storage-lost': {
    why: 'the site has no second destination: with the repository and the first one everything is gone',
    remedy: 'Name another one under destinations.',
  },
  ransomware: {
    why: "no destination is locked: whoever has the worker's credentials can overwrite every copy",
    remedy: 'Set lock (governance or compliance) of an S3 destination whose bucket has Object Lock.',
  },
};

/** Null where it leaves some, or the repository. */
export function nothingLeft(
  config: Pick<SiteConfig, 'destinations' | 'plans'>,
  scenario: Scenario,
): NothingLeft | null {
  return destinationsLeft(config, scenario).length > 0 ? null : (NOTHING[scenario] ?? null);
}
