/** The timing of a schedule as Temporal has it. */
import type { ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import { daysOfWeek } from '../../model/timetable/calendar.ts';
import type { Timing } from './wanted.ts';

type Spec = ScheduleOptions['spec'];
type Described = ScheduleDescription['spec'];

/** Temporal's own names of weekdays. */
const NAMES = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;

export function specOf({ calendar, every }: Timing): Spec {
  if (calendar === undefined) return { intervals: [{ every }] };
  const { at, weekdays, week, months, timeZone } = calendar;
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
        ...(months && { month: months.flatMap((month) => MONTHS[month - 1] ?? []) }),
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
  const weekdays = numbersIn(NAMES, calendar.dayOfWeek);
  const months = numbersIn(MONTHS, calendar.month).map((month) => month + 1);
  const [days, ...moreDays] = calendar.dayOfMonth;
  const [hours, minutes] = [only(calendar.hour), only(calendar.minute)];
  const isPlain = only(calendar.second) === 0 && isEmpty(calendar.year) && moreDays.length === 0;
  if (!isPlain || !days || hours === null || minutes === null || weekdays.length === 0 || months.length === 0)
    return null;
  const week = [1, 2, 3, 4].find((n) => daysOfWeek(n).first === days.start && daysOfWeek(n).last === days.end) ?? null;
  if (week === null && (days.start !== 1 || days.end !== 31)) return null;
  return {
    calendar: {
      at: `${two(hours)}:${two(minutes)}`,
      weekdays,
      week,
      ...(months.length < MONTHS.length && { months }),
      timeZone: timezone || 'UTC',
    },
  };
}

/** Which of the names the ranges mean, by their places among them. */
function numbersIn<Name extends string>(
  names: readonly Name[],
  ranges: readonly { readonly start: Name; readonly end: Name; readonly step: number }[],
): readonly number[] {
  return ranges.flatMap(({ start, end, step }) =>
    names
      .map((_name, index) => index)
      .filter((index) => isWithin(index, names.indexOf(start), names.indexOf(end), step)),
  );
}

function isWithin(index: number, first: number, last: number, step: number): boolean {
  return index >= first && index <= last && (index - first) % step === 0;
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
