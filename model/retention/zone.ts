/**
 * Calendar arithmetic in a time zone: the same time of the day, so many days, weeks, months or years on or back. Intl knows
 * the zones and their past; no library is needed for the rest. Where a choice is to be made, the later moment is taken:
 * what is kept until then is never deleted too early.
 */
import type { Period } from './period.ts';

/** Whether a name is that of a time zone. */
export function isTimeZone(zone: string): boolean {
  try {
    formatter(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The moment a period behind another, in milliseconds since the epoch. */
export function later(time: number, period: Period, zone: string): number {
  return moved(time, period, zone, 1);
}

/** The moment a period before another. */
export function earlier(time: number, period: Period, zone: string): number {
  return moved(time, period, zone, -1);
}

/** `2026-11-23 02:00` in the zone, for people. */
export function localTime(time: number, zone: string): string {
  return new Date(wallOf(time, zone)).toISOString().slice(0, 16).replace('T', ' ');
}

/** The year and the month (1 to 12) of a moment in a zone. */
export function localMonth(time: number, zone: string): { readonly year: number; readonly month: number } {
  const wall = new Date(wallOf(time, zone));
  return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1 };
}

function moved(time: number, { count, unit }: Period, zone: string, sign: 1 | -1): number {
  const wall = new Date(wallOf(time, zone));
  if (unit === 'day' || unit === 'week') {
    wall.setUTCDate(wall.getUTCDate() + sign * count * (unit === 'week' ? 7 : 1));
  } else {
    const day = wall.getUTCDate();
    wall.setUTCDate(1);
    wall.setUTCMonth(wall.getUTCMonth() + sign * count * (unit === 'year' ? 12 : 1));
    // The 31st of a month that has none, and the 29th of February: the last day there is.
    wall.setUTCDate(Math.min(day, daysIn(wall)));
  }
  return momentOf(wall.getTime(), zone);
}

function daysIn(month: Date): number {
  return new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).getUTCDate();
}

/** What clocks on the wall show, written as if it were UTC. */
export function wallOf(time: number, zone: string): number {
  return zone === 'UTC' ? time : time + offsetOf(time, zone);
}

/** Clocks are set on quarters of an hour only. */
const QUARTER = 900_000;
/** Asking Intl takes some microseconds, and the same times are asked for again and again. */
const offsets = new Map<string, Map<number, number>>();
const REMEMBERED = 200_000;

function offsetOf(time: number, zone: string): number {
  const known = offsets.get(zone) ?? new Map<number, number>();
  offsets.set(zone, known);
  const quarter = Math.floor(time / QUARTER);
  const found = known.get(quarter) ?? wallByIntl(quarter * QUARTER, zone) - quarter * QUARTER;
  if (known.size > REMEMBERED) known.clear();
  known.set(quarter, found);
  return found;
}

function wallByIntl(time: number, zone: string): number {
  const seconds = Math.floor(time / 1000) * 1000;
  const parts = new Map(
    formatter(zone)
      .formatToParts(seconds)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall + (time - seconds);
}

const DAY = 86_400_000;

/** The last moment at which clocks show this; of a time that is left out in spring, the moment as far behind the change. */
export function momentOf(wall: number, zone: string): number {
  if (zone === 'UTC') return wall;
  const candidates = [wall - DAY, wall + DAY].map((near) => wall - (wallOf(near, zone) - near));
  const showing = candidates.filter((time) => wallOf(time, zone) === wall);
  return Math.max(...(showing.length > 0 ? showing : candidates));
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Made once for each zone: making one takes a thousand times as long as using it. */
function formatter(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formatters.set(zone, made);
  return made;
}
