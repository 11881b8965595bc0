/** What a run is to do, read from the config. */
import { hookTimes } from '../../model/config/hooks.ts';
import { isRemovable } from '../../model/config/destination.ts';
import { BackupError } from '../../model/errors.ts';
import { backupPlan, backupPlans, type BackupPlan } from '../../model/plans.ts';
import { runId, type Phase, type PlanInput, type RunSpec, type SourceStep } from '../../model/run.ts';
import { defaultGroup, GROUPS, type Group, type Tier } from '../../model/source.ts';
import { scheduledTime, wholeSeconds } from '../../model/time.ts';
import { isDue, nextTime } from '../../model/timetable/next-times.ts';
import { jitterOf, phaseBegins } from '../../model/timetable/phases.ts';
import type { Site } from '../site.ts';
import { archiveDestinations } from './archive/index.ts';
import { sourceConfig } from './source-config.ts';

/** @throws BackupError `not-found` when a source that was asked for is not in the config, or the plan; `config` for an unknown plan. */
export function planRun(site: Site, input: PlanInput, now = Date.now()): RunSpec {
  const { config } = site;
  const plan = requireBackupPlan(site, input.plan);
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${site.file}.`,
    });
  }
  if (plan.tier === 'monthly' && archiveDestinations(site).length === 0) {
    throw new BackupError('config', 'no destination takes monthly or yearly backups: nothing would be archived', {
      remedy: `Add one under destinations in ${site.file}, best with tiers: [monthly, yearly].`,
    });
  }
  // Named twice, a source is backed up once all the same.
  const names = [...new Set(input.sources ?? plan.sources ?? Object.keys(config.sources))];
  requireInPlan(plan, names);
  const steps = names.map((source) => stepOf(site, source, plan, names));
  return {
    runId: runId(input.plan, input.scheduled),
    site: config.site,
    plan: plan.name,
    scheduled: scheduledTime(input.scheduled),
    phases: GROUPS.map((group) => phaseOf(plan, group, steps, input)).filter((phase) => phase.steps.length > 0),
    waits: plan.waits,
    retention: config.retention.prune,
    notified: config.notify.length > 0,
    configDigest: site.configDigest,
    hooks: hookTimes(plan.hooks),
    ...untilOf(plan, input, now),
  };
}

/** @throws BackupError `config` with the plans there are. */
export function requireBackupPlan({ config }: Pick<Site, 'config'>, name: string): BackupPlan {
  const plan = backupPlan(config, name);
  if (plan) return plan;
  throw new BackupError('config', `the site has no plan "${name}"`, {
    remedy: `Choose: ${backupPlans(config)
      .map((one) => one.name)
      .join(', ')}.`,
  });
}

function requireInPlan({ name, sources }: BackupPlan, names: readonly string[]): void {
  const other = names.find((source) => sources !== null && !sources.includes(source));
  if (other === undefined) return;
  throw new BackupError('not-found', `the plan "${name}" does not hold the source "${other}"`, {
    remedy: `Choose of: ${(sources ?? []).join(', ')}; or add it under plans.custom.${name}.sources.`,
  });
}

function phaseOf(plan: BackupPlan, group: Group, all: readonly SourceStep[], input: PlanInput): Phase {
  const steps = all.filter((step) => step.group === group);
  const begins = beginOf(plan, group, input);
  return begins === null ? { group, steps } : { group, steps, begins };
}

/**
 * When a phase begins at the earliest. On demand it goes at once; and a time at which the plan is not due (its schedule was
 * triggered by hand, or the config has changed since) keeps nothing waiting.
 */
function beginOf(
  { calendar, phases, jitter }: BackupPlan,
  group: Group,
  { site, plan, scheduled, timed = false }: PlanInput,
): string | null {
  const time = Date.parse(scheduled);
  if (!isTimed({ calendar }, { scheduled, timed })) return null;
  const own = group === 'databases' ? undefined : phases[group];
  const begins = own === undefined ? time : phaseBegins(own, time, calendar.timeZone);
  return wholeSeconds(begins + jitterOf(`${site}/${runId(plan, scheduled)}`, jitter));
}

/** Whether its schedule started it, at a time that the plan has. */
function isTimed(
  { calendar }: Pick<BackupPlan, 'calendar'>,
  { scheduled, timed }: Pick<PlanInput, 'scheduled' | 'timed'>,
) {
  return timed === true && isDue(calendar, Date.parse(scheduled));
}

/** Milliseconds before the next run that the sources of one must have ended, so that it can end too. */
const SPARE = 15 * 60_000;

/** Its schedule leaves out a time at which the run before still goes on. */
function untilOf(plan: BackupPlan, input: PlanInput, now: number): Pick<RunSpec, 'until'> {
  if (!isTimed(plan, input)) return {};
  const until = nextTime(plan.calendar, now) - SPARE;
  return until > now ? { until } : {};
}

function stepOf(site: Site, source: string, { tier }: BackupPlan, names: readonly string[]): SourceStep {
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

/** Whether an error says that a removable disk is absent, which is no failure. That the repository is away is one. */
export function isAbsence(site: Pick<Site, 'config' | 'repository'>, destination: string, error: unknown): boolean {
  if (!(error instanceof BackupError) || error.code !== 'unreachable') return false;
  return error.facts['path'] !== site.repository && isRemovableIn(site, destination);
}
