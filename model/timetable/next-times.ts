/**
 * The times of a calendar, as Temporal's server computes them (service/worker/scheduler/calendar.go, server 1.29), so that
 * what is printed is what happens. Where clocks are set it has ways of its own: a time that is left out starts no run on
 * that day; one that comes twice starts two runs west of Greenwich and one, the later, east of it; and of a zone that
 * leaves out midnight it takes the day for the one before. Pure; all times in milliseconds since the epoch.
 */
import { wallOf } from '../retention/zone.ts';
import { DAY, isInMonth, minutesOf, type Calendar } from './calendar.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Days that are looked through at most: a weekday of one month of the year, and it may be one that is left out. */
const FURTHEST = 800;

/** The first time after a moment. */
export function nextTime(calendar: Calendar, after: number): number {
  const { timeZone: zone } = calendar;
  const from = Math.floor(after / 1000) * 1000;
  const wall = wallOf(from, zone);
  const today = wall - mod(wall, DAY);
  if (fits(calendar, today, wall)) {
    const found = laterOn(calendar, { today, wall, from });
    if (found !== undefined) return found;
  }
  for (let days = 1; days <= FURTHEST; days++) {
    const day = today + days * DAY;
    if (!fits(calendar, day, wallOf(goDate(day, zone), zone))) continue;
    const found = onDay(calendar, day);
    if (found !== undefined) return found;
  }
  throw new TypeError(`a calendar without times: ${JSON.stringify(calendar)}`);
}

/** So many next times after a moment. */
export function nextTimes(calendar: Calendar, after: number, count: number): readonly number[] {
  const times: number[] = [];
  for (let last = after; times.length < count;) times.push((last = nextTime(calendar, last)));
  return times;
}

/** All times behind `after`, up to `until` and with it. */
export function timesBetween(calendar: Calendar, after: number, until: number): readonly number[] {
  const times: number[] = [];
  for (let next = nextTime(calendar, after); next <= until; next = nextTime(calendar, next)) times.push(next);
  return times;
}

/** Whether a plan is due at a moment. */
export function isDue(calendar: Calendar, time: number): boolean {
  return time % 1000 === 0 && nextTime(calendar, time - 1000) === time;
}

interface Day {
  /** Midnight, and the time that clocks show now, both written as if it were UTC. */
  readonly today: number;
  readonly wall: number;
  readonly from: number;
}

/** The time on the day itself, where it is still to come, or comes again. */
function laterOn(calendar: Calendar, { today, wall, from }: Day): number | undefined {
  const { timeZone: zone } = calendar;
  const time = timeOf(calendar);
  const hour = hourOf(wall);
  if (hour > hourOf(time)) return undefined;
  if (hour < hourOf(time)) return onDay(calendar, today);
  const isSecondCopy = hourOf(wallOf(from - HOUR, zone)) === hour;
  if (wall - today < time) return plus(onDay(calendar, today), isSecondCopy ? HOUR : 0);
  const begins = today + hour * HOUR;
  const comesAgain = !isSecondCopy && goDate(begins + HOUR, zone) - goDate(begins, zone) > HOUR;
  return comesAgain ? plus(onDay(calendar, today), HOUR) : undefined;
}

/** Undefined where clocks are set forward over the hour. */
function onDay(calendar: Calendar, day: number): number | undefined {
  const { timeZone: zone } = calendar;
  const found = goDate(day + timeOf(calendar), zone);
  return hourOf(wallOf(found, zone)) === hourOf(timeOf(calendar)) ? found : undefined;
}

/** @param shown what tells the weekday: where midnight is left out, it is the day before. */
function fits(calendar: Calendar, day: number, shown: number): boolean {
  return calendar.weekdays.includes(new Date(shown).getUTCDay()) && isInMonth(calendar, new Date(day));
}

/** Go's time.Date: of a time that comes twice, or never, it takes the zone that this way of asking gives. */
function goDate(wall: number, zone: string): number {
  const offset = wallOf(wall, zone) - wall;
  if (offset === 0) return wall;
  const guess = wall - offset;
  return wall - (wallOf(guess, zone) - guess);
}

function timeOf({ at }: Calendar): number {
  return minutesOf(at) * MINUTE;
}

function hourOf(wall: number): number {
  return Math.floor(mod(wall, DAY) / HOUR);
}

function plus(time: number | undefined, more: number): number | undefined {
  return time === undefined ? undefined : time + more;
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
