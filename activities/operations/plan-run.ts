/** What a run is to do, read from the config. */
import { hookTimes } from '../../model/config/hooks.ts';
import { isRemovable } from '../../model/config/destination.ts';
import { BackupError } from '../../model/errors.ts';
import { runId, type PlanInput, type RunSpec, type SourceStep } from '../../model/run.ts';
import { defaultGroup, GROUPS, type Tier } from '../../model/source.ts';
import { scheduledTime } from '../../model/time.ts';
import type { Site } from '../site.ts';
import { archiveDestinations } from './archive/index.ts';
import { sourceConfig } from './source-config.ts';

/** @throws BackupError `not-found` when a source that was asked for is not in the config; `config` for an unknown plan. */
export function planRun(site: Site, input: PlanInput): RunSpec {
  const { config } = site;
  const { plan } = input;
  if (plan !== 'daily' && plan !== 'monthly')
    throw new BackupError('config', `the site has no plan "${plan}"`, { remedy: 'Choose: daily, monthly.' });
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${site.file}.`,
    });
  }
  if (plan === 'monthly' && archiveDestinations(site).length === 0) {
    throw new BackupError('config', 'no destination takes monthly or yearly backups: nothing would be archived', {
      remedy: `Add one under destinations in ${site.file}, best with tiers: [monthly, yearly].`,
    });
  }
  // Named twice, a source is backed up once all the same.
  const names = [...new Set(input.sources ?? Object.keys(config.sources))];
  const steps = names.map((source) => stepOf(site, source, plan, names));
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan,
    scheduled: scheduledTime(input.scheduled),
    phases: GROUPS.map((group) => ({ group, steps: steps.filter((step) => step.group === group) })).filter(
      (phase) => phase.steps.length > 0,
    ),
    waits: config.plans.daily,
    retention: config.retention.prune,
    notified: config.notify.length > 0,
    configDigest: site.configDigest,
    hooks: hookTimes(config.plans.daily.hooks),
  };
}

function stepOf(site: Site, source: string, tier: Tier, names: readonly string[]): SourceStep {
  const config = sourceConfig(site, source);
  return {
    source,
    type: config.type,
    group: config.group ?? defaultGroup(config.type),
    host: config.host ?? site.host,
    tier,
    destinations: tier === 'monthly' ? archiveDestinations(site) : destinationsOf(site, tier),
    after: (config.after ?? []).filter((other) => names.includes(other)),
    hooks: hookTimes(config.hooks),
  };
}

/** Names of the destinations that take a tier. */
export function destinationsOf({ config }: Pick<Site, 'config'>, tier: Tier): readonly string[] {
  return Object.entries(config.destinations)
    .filter(([, { tiers }]) => !tiers || tiers.includes(tier))
    .map(([destination]) => destination);
}

/** Whether a destination is a disk that may be absent. */
export function isRemovableIn({ config }: Pick<Site, 'config'>, destination: string): boolean {
  const found = config.destinations[destination];
  return found !== undefined && isRemovable(found);
}

/** Whether an error says that a removable disk is absent, which is no failure. */
export function isAbsence(site: Pick<Site, 'config'>, destination: string, error: unknown): boolean {
  return error instanceof BackupError && error.code === 'unreachable' && isRemovableIn(site, destination);
}
