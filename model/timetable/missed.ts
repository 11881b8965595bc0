/** Which runs are due and left no recovery point, where Temporal has lost its schedules. Pure. */
import { backupPlan, type BackupPlan } from '../plans.ts';
import type { SiteConfig } from '../config/site.ts';
import { runId } from '../run.ts';
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

/**
 * Each plan's newest run that was due and left no recovery point. Schedules that never started anything owe nothing: what tells that they
 * lived is the recovery point of a run at a time at which its plan is due.
 * @param plans whose schedules were lost.
 * @param points ids of recovery points.
 * @param now milliseconds since the epoch.
 */
export function missedRuns(
  config: Pick<SiteConfig, 'plans' | 'timeZone'>,
  plans: readonly BackupPlan[],
  points: readonly string[],
  now: number,
): readonly Run[] {
  const lived = Math.min(...points.map((id) => dueTime(config, id)));
  return plans.flatMap(({ name, calendar }) => {
    const time = timesBetween(calendar, now - LONGEST, now).at(-1);
    if (time === undefined || time <= lived || lived === Number.POSITIVE_INFINITY) return [];
    const scheduled = wholeSeconds(time);
    return points.includes(runId(name, scheduled)) ? [] : [{ plan: name, scheduled }];
  });
}

/** Of a run that its schedule may have started; infinity of any other. */
function dueTime(config: Pick<SiteConfig, 'plans' | 'timeZone'>, id: string): number {
  const [, name = '', scheduled = ''] = /^([a-z][a-z0-9-]*)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(id) ?? [];
  const plan = backupPlan(config, name);
  const time = Date.parse(scheduled);
  return plan && isDue(plan.calendar, time) ? time : Number.POSITIVE_INFINITY;
}
