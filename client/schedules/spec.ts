/** The timing of a schedule as Temporal has it. */
import type { ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import { daysOfWeek } from '../../model/timetable/calendar.ts';
import type { Timing } from './wanted.ts';

type Spec = ScheduleOptions['spec'];
type Described = ScheduleDescription['spec'];

/** Temporal's own names of weekdays. */
const NAMES = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

export function specOf({ calendar, every }: Timing): Spec {
  if (calendar === undefined) return { intervals: [{ every }] };
  const { at, weekdays, week, timeZone } = calendar;
  const [hour = '', minute = ''] = at.split(':');
  const range = week === null ? null : daysOfWeek(week);
  return {
    calendars: [
      {
        hour: Number(hour),
        minute: Number(minute),
        second: 0,
        dayOfWeek: weekdays.flatMap((day) => NAMES[day] ?? []),
        ...(range && { dayOfMonth: { start: range.first, end: range.last } }),
      },
    ],
    timezone: timeZone,
  };
}

/** Null where anything in it is not as `specOf` makes it. */
export function timingOf(spec: Described): Timing | null {
  const timing = intervalOf(spec) ?? calendarIn(spec);
  return timing && spec.jitter === undefined && !spec.startAt && !spec.endAt && isEmpty(spec.skip) ? timing : null;
}

function intervalOf({ intervals, calendars }: Described): Timing | null {
  const [interval, ...more] = intervals ?? [];
  if (!interval || more.length > 0 || !isEmpty(calendars) || (interval.offset ?? 0) !== 0) return null;
  return { every: interval.every };
}

function calendarIn({ intervals, calendars, timezone }: Described): Timing | null {
  const [calendar, ...more] = calendars ?? [];
  if (!calendar || more.length > 0 || !isEmpty(intervals)) return null;
  const weekdays = calendar.dayOfWeek.flatMap(({ start, end, step }) =>
    NAMES.map((_name, day) => day).filter((day) => day >= numberOf(start) && day <= numberOf(end) && step === 1),
  );
  const [days, ...moreDays] = calendar.dayOfMonth;
  const [hours, minutes] = [only(calendar.hour), only(calendar.minute)];
  const month = calendar.month[0];
  const isPlain =
    only(calendar.second) === 0 &&
    isEmpty(calendar.year) &&
    calendar.month.length === 1 &&
    month?.start === 'JANUARY' &&
    month.end === 'DECEMBER' &&
    moreDays.length === 0;
  if (!isPlain || !days || hours === null || minutes === null || weekdays.length === 0) return null;
  const week = [1, 2, 3, 4].find((n) => daysOfWeek(n).first === days.start && daysOfWeek(n).last === days.end) ?? null;
  if (week === null && (days.start !== 1 || days.end !== 31)) return null;
  return {
    calendar: { at: `${two(hours)}:${two(minutes)}`, weekdays, week, timeZone: timezone || 'UTC' },
  };
}

function numberOf(name: (typeof NAMES)[number]): number {
  return NAMES.indexOf(name);
}

/** The one value of a range; null where there are several. */
function only(
  ranges: readonly { readonly start: number; readonly end: number; readonly step: number }[],
): number | null {
  const [range, ...more] = ranges;
  return range && more.length === 0 && range.start === range.end ? range.start : null;
}

function isEmpty(list: readonly unknown[] | undefined): boolean {
  return (list ?? []).length === 0;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
