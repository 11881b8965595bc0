/** The rules of a source, and what class a destination is of, out of the config. */
import type { DestinationConfig } from '../config/destination.ts';
import type { RetentionClass } from '../config/retention.ts';
import type { SiteConfig } from '../config/site.ts';
import type { SourceRules } from './types.ts';

/** The site's rules, with what the source says otherwise. */
export function rulesOf(config: SiteConfig, source: string): SourceRules {
  const site = config.retention;
  const own = config.sources[source]?.retention ?? {};
  return {
    periods: {
      daily: own.daily ?? site.daily,
      weekly: own.weekly ?? site.weekly,
      monthly: own.monthly ?? site.monthly,
      yearly: own.yearly ?? site.yearly,
    },
    logs: own.logs ?? site.logs,
    overdueAfter: own.overdueAfter ?? site.overdueAfter,
    shrinkage: own.shrinkage ?? site.shrinkage,
  };
}

/** Storage classes that have to be asked for hours before. */
const COLD: ReadonlySet<unknown> = new Set(['GLACIER', 'DEEP_ARCHIVE', 'GLACIER_IR']);

/** As its config says; else an archive is what takes monthly and yearly backups only, or stores cold. */
export function classOf(config: DestinationConfig): RetentionClass {
  if (config.retention) return config.retention;
  const type: string = config.type;
  const cold = type === 'glacier' || ('storageClass' in config && COLD.has(config.storageClass));
  const late = config.tiers?.every((tier) => tier === 'monthly' || tier === 'yearly') ?? false;
  return cold || late ? 'archive' : 'remote';
}
