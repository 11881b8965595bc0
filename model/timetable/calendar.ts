/** The times at which a plan is due: a time of day on some days, in the site's time zone. Pure. */

/** In the order of Temporal's numbers, and of Date's. */
export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
] as const;

const EVERY_DAY = 'every day';
const WEEKS = ['first', 'second', 'third', 'fourth'] as const;

/** What a config may say of days in one text: `every day`, `sunday`, `first sunday`. */
export const DAYS = new RegExp(`^(?:${EVERY_DAY}|(?:(?:${WEEKS.join('|')}) )?(?:${WEEKDAYS.join('|')}))$`);

/** The days of a plan, as the config has them. */
export type Days = string | readonly Weekday[];

export interface Calendar {
  /** `HH:MM`. */
  readonly at: string;
  /** Numbers of weekdays, 0 for sunday, ascending. */
  readonly weekdays: readonly number[];
  /** Which such weekday of a month, from 1; null: all of them. */
  readonly week: number | null;
  /** Of the year, from 1, ascending; absent: all of them. */
  readonly months?: readonly number[];
  readonly timeZone: string;
}

/** The days of a plan, and in which months of the year; absent: in all. */
interface Due {
  readonly at: string;
  readonly on: Days;
  readonly months?: readonly number[];
}

export function calendarOf({ at, on, months }: Due, timeZone: string): Calendar {
  const some = months && [...new Set(months)].toSorted((a, b) => a - b);
  return { at, ...dayRule(on), ...(some && some.length < MONTHS.length && { months: some }), timeZone };
}

/** Whether a date, its time of day aside, is one of the calendar's days of the year; its weekday is not looked at. */
export function isInMonth({ week, months }: Pick<Calendar, 'week' | 'months'>, date: Date): boolean {
  if (months && !months.includes(date.getUTCMonth() + 1)) return false;
  if (week === null) return true;
  const { first, last } = daysOfWeek(week);
  return date.getUTCDate() >= first && date.getUTCDate() <= last;
}

function dayRule(on: Days): Pick<Calendar, 'weekdays' | 'week'> {
  if (typeof on !== 'string') return { weekdays: numbersOf(on), week: null };
  if (on === EVERY_DAY) return { weekdays: numbersOf(WEEKDAYS), week: null };
  const [first = '', second] = on.split(' ');
  if (second === undefined) return { weekdays: numbersOf([first]), week: null };
  return { weekdays: numbersOf([second]), week: WEEKS.findIndex((word) => word === first) + 1 };
}

function numbersOf(days: readonly string[]): readonly number[] {
  return [...new Set(days.map((day) => WEEKDAYS.findIndex((weekday) => weekday === day)))].toSorted((a, b) => a - b);
}

/** Minutes since midnight of `HH:MM`. */
export function minutesOf(clock: string): number {
  const [hours = '', minutes = ''] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** The days of the month that the n-th weekday of its kind may have: 1 to 7, 8 to 14 and so on. */
export function daysOfWeek(week: number): { readonly first: number; readonly last: number } {
  return { first: week * 7 - 6, last: week * 7 };
}

/** Milliseconds between two times at least, as clocks on the wall show them: daylight saving takes an hour of it. */
export function shortestGap({ weekdays, week }: Pick<Calendar, 'weekdays' | 'week'>): number {
  const gaps = weekdays.map((day, index) => ((weekdays[index + 1] ?? (weekdays[0] ?? 0) + 7) - day) * DAY);
  return week === null ? Math.min(...gaps) : 4 * 7 * DAY;
}

/** Milliseconds between two times at most. */
export function longestGap({ weekdays, week, months }: Pick<Calendar, 'weekdays' | 'week' | 'months'>): number {
  if (months) return (longestPause(months) * 31 + 7) * DAY;
  const gaps = weekdays.map((day, index) => ((weekdays[index + 1] ?? (weekdays[0] ?? 0) + 7) - day) * DAY);
  return week === null ? Math.max(...gaps) : 5 * 7 * DAY;
}

/** Months from one of them to the next at most. */
function longestPause(months: readonly number[]): number {
  return Math.max(...months.map((month, index) => (months[index + 1] ?? (months[0] ?? 0) + 12) - month));
}

export const DAY = 86_400_000;

/** `every day at 02:00`, `monday and thursday at 04:00`, `the first sunday of the month at 06:00`. */
export function calendarInWords(calendar: Calendar): string {
  return `${daysInWords(calendar)} at ${calendar.at}`;
}

export function daysInWords({ weekdays, week, months }: Pick<Calendar, 'weekdays' | 'week' | 'months'>): string {
  const names = weekdays.map((day) => WEEKDAYS[day] ?? '');
  const some = months?.map((month) => MONTHS[month - 1] ?? '');
  if (week !== null) return `the ${WEEKS[week - 1] ?? ''} ${names.join('')} of ${some ? listed(some) : 'the month'}`;
  const days = names.length === WEEKDAYS.length ? EVERY_DAY : `every ${listed(names)}`;
  return some ? `${days} in ${listed(some)}` : days;
}

function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
