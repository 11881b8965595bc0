/** On which days of the coming year daylight saving takes a plan's time away, or gives it twice. Pure. */
import { localTime, wallOf } from '../retention/zone.ts';
import { calendarInWords, DAY, isInMonth, minutesOf, type Calendar } from './calendar.ts';
import { timesBetween } from './next-times.ts';

export interface ClockChange {
  /** `2027-03-28`. */
  readonly date: string;
  /** Local times at which a run starts on it: none, two, or another one than the plan's. */
  readonly runs: readonly string[];
}

const YEAR = 366 * DAY;

/** @param now milliseconds since the epoch. */
export function clockChanges(calendar: Calendar, now: number): readonly ClockChange[] {
  const { timeZone, at } = calendar;
  if (timeZone === 'UTC') return [];
  const runs = Map.groupBy(
    timesBetween(calendar, now, now + YEAR).map((time) => localTime(time, timeZone)),
    (local) => local.slice(0, 10),
  );
  const dates = new Set([...datesOf(calendar, now), ...runs.keys()]);
  return [...dates]
    .toSorted()
    .map((date) => ({ date, runs: (runs.get(date) ?? []).map((local) => local.slice(11)) }))
    .filter((day) => day.runs.length !== 1 || day.runs[0] !== at);
}

/** The days on which it is to run, but for those at both ends, of which a part is over or still to come. */
function datesOf(calendar: Calendar, now: number): readonly string[] {
  const { weekdays, timeZone } = calendar;
  const today = Math.floor(wallOf(now, timeZone) / DAY) * DAY;
  const last = Math.floor(wallOf(now + YEAR, timeZone) / DAY) * DAY;
  const dates: string[] = [];
  for (let day = today + DAY; day < last; day += DAY) {
    const date = new Date(day);
    if (isInMonth(calendar, date) && weekdays.includes(date.getUTCDay())) dates.push(date.toISOString().slice(0, 10));
  }
  return dates;
}

/** A sentence for people, and what to do about it. */
export function changeInWords(plan: string, calendar: Calendar, { date, runs }: ClockChange): string {
  const { at, timeZone } = calendar;
  const what =
    runs.length === 0
      ? `clocks skip ${at}, and no run starts`
      : runs.length > 1
        ? `clocks are set back, and two runs start, at ${runs.join(' and ')}`
        : `clocks skip ${at}, and the run starts at ${runs.join('')}`;
  return `${plan} (${calendarInWords(calendar)}): on ${date} ${what}, by the daylight saving of ${timeZone}. ${remedy(minutesOf(at))}`;
}

function remedy(minutes: number): string {
  return minutes < 4 * 60
    ? 'Another time of day (04:00, say) has no such day.'
    : 'Another time of day has no such day.';
}
