/** Which runs are due and left no recovery point, where Temporal has lost its schedules. Pure. */
import { backupPlan, type BackupPlan } from '../plans.ts';
import type { SiteConfig } from '../config/site.ts';
import type { RecoveryPoint } from '../recovery-point.ts';
import { planAndTime, runId } from '../run.ts';
import { wholeSeconds } from '../time.ts';
import { DAY } from './calendar.ts';
import { isDue, timesBetween } from './next-times.ts';

/** The longest time between two runs of a plan: from a first weekday of a month to the next. */
const LONGEST = 36 * DAY;

interface Run {
  readonly plan: string;
  /** RFC 3339. */
  readonly scheduled: string;
}

/** A plan, and since when it had its schedule: milliseconds since the epoch. */
export interface Scheduled {
  readonly plan: Pick<BackupPlan, 'name' | 'calendar'>;
  readonly since: number;
}

/**
 * Each plan's newest run that was due and left no recovery point. What was due before there was a schedule is owed by nobody.
 * @param plans whose schedules were lost.
 * @param points ids of recovery points.
 * @param now milliseconds since the epoch.
 */
export function missedRuns(plans: readonly Scheduled[], points: ReadonlySet<string>, now: number): readonly Run[] {
  return plans.flatMap(({ plan: { name, calendar }, since }) => {
    const time = timesBetween(calendar, Math.max(since, now - LONGEST), now).at(-1);
    if (time === undefined) return [];
    const scheduled = wholeSeconds(time);
    return points.has(runId(name, scheduled)) ? [] : [{ plan: name, scheduled }];
  });
}

/**
 * Since when there were schedules at the latest, where state does not remember it: the recovery point of a time at which its plan is due
 * tells that they lived. When it was made counts, not which time it is of: a run by hand may be of one long before.
 * @returns milliseconds since the epoch; undefined where nothing tells it.
 */
export function livedSince(
  config: Pick<SiteConfig, 'plans' | 'timeZone'>,
  points: readonly Pick<RecoveryPoint, 'id' | 'created'>[],
): number | undefined {
  const times = points.filter(({ id }) => isOfSchedule(config, id)).map(({ created }) => Date.parse(created));
  return times.length === 0 ? undefined : Math.min(...times);
}

function isOfSchedule(config: Pick<SiteConfig, 'plans' | 'timeZone'>, id: string): boolean {
  const run = planAndTime(id);
  const plan = run && backupPlan(config, run.plan);
  return plan !== undefined && isDue(plan.calendar, Date.parse(run?.scheduled ?? ''));
}
