/** The timetable of a site, in words and in its own time zone: what its schedules will do. Pure. */
import type { SiteConfig } from '../../model/config/site.ts';
import { localTime } from '../../model/retention/zone.ts';
import { GROUPS } from '../../model/source.ts';
import { wholeSeconds } from '../../model/time.ts';
import { daysInWords, WEEKDAYS } from '../../model/timetable/calendar.ts';
import { changeInWords, clockChanges } from '../../model/timetable/clock-changes.ts';
import { nextTimes } from '../../model/timetable/next-times.ts';
import { formatDuration } from '../../model/units.ts';
import { crossedPlans } from './crossed.ts';
import { scheduledPlans, wantedSchedules } from './wanted.ts';

export interface TimetableEntry {
  readonly plan: string;
  /** `every day`, `every 5m`. */
  readonly when: string;
  /** `databases 02:00, apps 02:30`; empty where the plan has no phases. */
  readonly phases: string;
  /** RFC 3339. */
  readonly next: readonly string[];
}

/** How many of the next times are told. */
const TOLD = 5;

/** @param now milliseconds since the epoch. */
export function timetable(config: SiteConfig, now: number): readonly TimetableEntry[] {
  const plans = new Map(scheduledPlans(config).map((plan) => [plan.name, plan]));
  return wantedSchedules(config)
    .map(({ plan, every, calendar }) => {
      const of = plans.get(plan);
      return {
        plan,
        when: calendar ? daysInWords(calendar) : `every ${formatDuration(every)}`,
        phases: of ? phasesInWords(of.calendar.at, of.phases) : (calendar?.at ?? ''),
        next: (calendar ? nextTimes(calendar, now, TOLD) : nextTicks(every, now)).map(wholeSeconds),
      };
    })
    .toSorted((a, b) => rank(a.phases) - rank(b.phases));
}

function rank(phases: string): number {
  return phases === '' ? 1 : 0;
}

function phasesInWords(at: string, phases: Readonly<Record<string, string>>): string {
  const later = GROUPS.filter((group) => phases[group] !== undefined).map((group) => `${group} ${phases[group]}`);
  return later.length === 0 ? `${at}, one group after the other` : [`databases ${at}`, ...later].join(', ');
}

function nextTicks(every: number, now: number): readonly number[] {
  const first = (Math.floor(now / every) + 1) * every;
  return Array.from({ length: TOLD }, (_none, index) => first + index * every);
}

/** `sun 2026-11-29 02:00, mon 11-30 02:00, 14:00`: each says what is new in it. */
export function timesInWords(times: readonly string[], timeZone: string): string {
  let before = '';
  return times
    .map((time) => {
      const local = localTime(Date.parse(time), timeZone);
      const [date = '', clock = ''] = local.split(' ');
      const day = WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()]?.slice(0, 3) ?? '';
      const shown = date === before ? clock : `${day} ${sameYear(date, before) ? date.slice(5) : date} ${clock}`;
      before = date;
      return shown;
    })
    .join(', ');
}

function sameYear(date: string, before: string): boolean {
  return before !== '' && date.slice(0, 4) === before.slice(0, 4);
}

/** What will not go as the config has it: plans that cross, and daylight saving in the coming year. A sentence each, with what to do. */
export function timetableWarnings(config: SiteConfig, now: number): readonly string[] {
  const changes = wantedSchedules(config).flatMap(({ plan, calendar }) =>
    calendar ? clockChanges(calendar, now).map((change) => changeInWords(plan, calendar, change)) : [],
  );
  return [...crossedPlans(config, now), ...changes];
}
