/** Whether drills are planned for a site, and whether one brought all of it back. Pure. */
import type { SiteConfig } from '../config/site.ts';
import type { DrillReport } from './drill.ts';

/** Where no identity is at hand nothing can be recovered, and with no destination a disaster leaves nothing to recover from. */
export function isDrilled({ plans: { drill }, encryption, destinations }: SiteConfig): boolean {
  const canOpen = drill.host !== undefined || encryption.identity !== undefined;
  return drill.enabled && canOpen && Object.keys(destinations).length > 0;
}

type Config = Pick<SiteConfig, 'plans' | 'sources'>;

/** The sources that a drill is to recover where nobody names any. */
export function sourcesOfDrills({ plans, sources }: Config): readonly string[] {
  return plans.drill.sources ?? Object.keys(sources);
}

/** Complete, and of all that the config has: what recovered one source alone says nothing of the others. */
export function isWhole(report: Pick<DrillReport, 'outcome' | 'sources'>, config: Config): boolean {
  return report.outcome === 'complete' && leftOutBy(report, config).length === 0;
}

/** What the config has, and it was not to recover. */
export function leftOutBy({ sources }: Pick<DrillReport, 'sources'>, config: Config): readonly string[] {
  const recovered = new Set(sources.map(({ source }) => source));
  return sourcesOfDrills(config).filter((source) => !recovered.has(source));
}
