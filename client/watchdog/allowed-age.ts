/** How old the newest backup of a source may be, by the plans that make them. Pure. */
import type { SiteConfig } from '../../model/config/site.ts';
import { longestGap } from '../../model/timetable/calendar.ts';
import { OVERDUE } from '../backups/status.ts';
import { scheduledPlans } from '../schedules/wanted.ts';

/** Milliseconds that a run may take, and wait for what fails, before its backup counts as missing. */
const TO_BE_MADE = 12 * 3_600_000;

/** Milliseconds: the longest time between two runs of the plan that makes backups most often. Where none does by itself, a day and a half. */
export function allowedAge(config: SiteConfig, source: string): number {
  const gaps = scheduledPlans(config)
    .filter(({ sources }) => sources === null || sources.includes(source))
    .map(({ calendar }) => longestGap(calendar) + TO_BE_MADE);
  return gaps.length === 0 ? OVERDUE : Math.min(...gaps);
}
