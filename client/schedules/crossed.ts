/** Plans that would keep each other from capturing. Pure. */
import type { SiteConfig } from '../../model/config/site.ts';
import type { BackupPlan } from '../../model/plans.ts';
import { defaultGroup, type Group } from '../../model/source.ts';
import { nextTimes, timesBetween } from '../../model/timetable/next-times.ts';
import { phaseBegins } from '../../model/timetable/phases.ts';
import { scheduledPlans } from './wanted.ts';

/** How many of a plan's next times are looked at: over a month of days, and two seasons of weeks. */
const LOOKED_AT = 40;

/**
 * What a plan captures in a phase of its own bears the plan's time. Where another plan of the tier has been due, and has captured the
 * source, between the two, that is a capture of an older time than the newest, which is refused each time. A sentence each, with what to do.
 * @param now milliseconds since the epoch.
 */
export function crossedPlans(config: SiteConfig, now: number): readonly string[] {
  const plans = scheduledPlans(config);
  return plans.flatMap((plan) =>
    plans
      .filter((other) => other !== plan && other.tier === plan.tier)
      .flatMap((other) => crossedBy(config, { plan, other, now }) ?? []),
  );
}

interface Pair {
  readonly plan: BackupPlan;
  readonly other: BackupPlan;
  readonly now: number;
}

function crossedBy(config: SiteConfig, { plan, other, now }: Pair): string | undefined {
  const times = nextTimes(plan.calendar, now, LOOKED_AT);
  const others = new Set(sourcesOf(config, other).map(([source]) => source));
  const isCrossed = (group: Group): boolean =>
    times.some((time) => {
      const own = begins(config, plan, group, time);
      return timesBetween(other.calendar, time, own).some((due) => begins(config, other, group, due) <= own);
    });
  const crossed = sourcesOf(config, plan).find(([source, group]) => others.has(source) && isCrossed(group));
  if (crossed === undefined) return undefined;
  const [source, group] = crossed;
  return `${other.name} is due at ${other.calendar.at}, behind the time of ${plan.name} (${plan.calendar.at}) and before its phase of ${group} begins: ${plan.name} would find a newer backup of ${source} in its tier, and capture nothing. Give one of the two another time, or another tier`;
}

function sourcesOf({ sources }: SiteConfig, plan: BackupPlan): readonly (readonly [string, Group])[] {
  return Object.entries(sources)
    .filter(([name]) => plan.sources?.includes(name) ?? true)
    .map(([name, { group, type }]) => [name, group ?? defaultGroup(type)] as const);
}

/** When a phase begins at the earliest; those without a time of their own may begin with the run. */
function begins({ timeZone }: SiteConfig, { phases }: BackupPlan, group: Group, time: number): number {
  const at = group === 'databases' ? undefined : phases[group];
  return at === undefined ? time : phaseBegins(at, time, timeZone);
}
