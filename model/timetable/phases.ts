/** When the phases of a run begin that its schedule started. Pure. */
import { momentOf, wallOf } from '../retention/zone.ts';
import type { Group } from '../source.ts';
import { DAY, minutesOf } from './calendar.ts';

/** The groups whose phase may have a time of its own; databases begin with the plan. */
export type LaterGroup = Exclude<Group, 'databases'>;
export const LATER_GROUPS = ['apps', 'system', 'configs'] as const satisfies readonly LaterGroup[];

/** `HH:MM` of each phase that has a time; the others begin when the captures before them have ended. */
export type PhaseTimes = Readonly<Partial<Record<LaterGroup, string>>>;

/** Minutes behind the plan's time at which a phase begins that the config gives no time. */
export type PhaseOffsets = Readonly<Partial<Record<LaterGroup, number>>>;

/** The times of a plan's phases: those of the config, else so long after the plan's time, and not before the phase before. */
export function phaseTimes(at: string, own: PhaseTimes, offsets: PhaseOffsets): PhaseTimes {
  const times: Partial<Record<LaterGroup, string>> = {};
  let before = 0;
  for (const group of LATER_GROUPS) {
    const [said, offset] = [own[group], offsets[group]];
    const minutes = said === undefined ? offset && Math.max(offset, before) : minutesAfter(at, said);
    if (minutes === undefined) continue;
    times[group] = said ?? clockAfter(at, minutes);
    before = minutes;
  }
  return times;
}

/** Minutes from the plan's time to a phase's, by the clocks on the wall: a time that is earlier in the day is of the next one. */
export function minutesAfter(at: string, time: string): number {
  return (minutesOf(time) - minutesOf(at) + MINUTES_A_DAY) % MINUTES_A_DAY;
}

/**
 * The first moment, at or after that of the run, at which clocks show the phase's time. Of one that comes twice it is the later, and
 * one that is left out begins as far behind the change.
 * @param scheduled of the run, milliseconds since the epoch, as the result.
 */
export function phaseBegins(time: string, scheduled: number, timeZone: string): number {
  const wall = wallOf(scheduled, timeZone);
  const midnight = Math.floor(wall / DAY) * DAY;
  const begins = momentOf(midnight + minutesOf(time) * 60_000, timeZone);
  return begins >= scheduled ? begins : momentOf(midnight + DAY + minutesOf(time) * 60_000, timeZone);
}

/**
 * Milliseconds that a run waits before it begins, so that sites with one timetable do not all call at once: always the same for
 * the same run, whoever asks.
 */
export function jitterOf(name: string, most: number): number {
  let hash = 0x811c9dc5;
  // FNV-1a: spreads names that differ in one letter.
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return most === 0 ? 0 : hash % (most + 1);
}

const MINUTES_A_DAY = 24 * 60;

function clockAfter(at: string, minutes: number): string {
  const after = (minutesOf(at) + minutes) % MINUTES_A_DAY;
  return `${two(Math.floor(after / 60))}:${two(after % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
