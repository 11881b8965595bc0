/** What is wrong with the schedules that Temporal has: one is missing, paused, stands still, or leaves times out. Pure. */
import type { Condition } from '../../model/alert.ts';
import type { ListedSchedule } from '../schedules/existing.ts';
import type { Counted } from './memory.ts';

export interface SchedulesSeen {
  /** Ids of those that the config wants. */
  readonly wanted: readonly string[];
  readonly listed: readonly ListedSchedule[];
  /** By id, as they stood at the last look. */
  readonly before: Readonly<Record<string, Counted>>;
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The counters as the next look is to know them. */
export function countedNow({
  listed,
  before,
  now,
}: Pick<SchedulesSeen, 'listed' | 'before' | 'now'>): Readonly<Record<string, Counted>> {
  return Object.fromEntries(listed.map((one) => [one.id, countedOf(one, before[one.id], now)]));
}

/**
 * A skipped start reaches no workflow, so only the counters tell of it. It is over when the schedule starts a run and
 * leaves nothing out: that one is made, and what stood in its way is gone.
 */
function countedOf({ taken, skipped, missed }: ListedSchedule, before: Counted | undefined, now: number): Counted {
  // Seen for the first time, or made anew since (Temporal's data were lost): nothing is known of earlier times.
  if (before === undefined || taken < before.taken || skipped < before.skipped || missed < before.missed)
    return { taken, skipped, missed, leftOut: null };
  const more = { skipped: skipped - before.skipped, missed: missed - before.missed };
  if (more.skipped > 0 || more.missed > 0) {
    const { leftOut } = before;
    const since = leftOut?.since ?? new Date(now).toISOString();
    return {
      taken,
      skipped,
      missed,
      leftOut: {
        since,
        skipped: (leftOut?.skipped ?? 0) + more.skipped,
        missed: (leftOut?.missed ?? 0) + more.missed,
      },
    };
  }
  return { taken, skipped, missed, leftOut: taken > before.taken ? null : before.leftOut };
}

/** @param counted as `countedNow` gives them. */
export function schedulesConditions(
  { wanted, listed, host, now }: SchedulesSeen,
  counted: Readonly<Record<string, Counted>>,
): readonly Condition[] {
  const there = new Set(listed.map(({ id }) => id));
  return [
    ...wanted.filter((id) => !there.has(id)).map((id) => missing(id, host)),
    ...listed.filter(({ id, paused }) => paused && wanted.includes(id)).map((one) => pausedOne(one, host)),
    ...listed
      .filter(({ id, paused, next }) => !paused && next === null && wanted.includes(id))
      .map(({ id }) => startsNone(id, host)),
    ...listed.flatMap((one) => {
      const { id } = one;
      if (!wanted.includes(id)) return [];
      if (isOverdue(one, now)) return [standsStill(one, host)];
      const { leftOut } = counted[id] ?? {};
      return leftOut ? [skipping(id, leftOut, host)] : [];
    }),
  ];
}

function missing(id: string, host: string): Condition {
  return {
    ...about('schedule-missing', id, host),
    message: `Temporal has no schedule ${id}: its plan runs no more by itself.`,
    remedy: 'mosaic-backup schedules apply makes it again; find out who removed it.',
  };
}

function pausedOne({ id, note, next }: ListedSchedule, host: string): Condition {
  const why = note ? ` Its note: ${note}` : '';
  return {
    ...about('schedule-paused', id, host),
    message: `The schedule ${id} is paused${next === null ? '' : `; it would be due at ${next}`}.${why}`,
    remedy: 'mosaic-backup schedules resume, when what it was paused for is over.',
  };
}

function startsNone(id: string, host: string): Condition {
  return {
    ...about('schedule-paused', id, host),
    message: `The schedule ${id} is on, and starts no run any more: a hand has changed it in Temporal.`,
    remedy: 'mosaic-backup schedules apply makes it as the config has it; find out who changed it.',
  };
}

/** Milliseconds after its time at which Temporal has long started a run, or left it out. */
const OVERDUE = 15 * 60_000;

/** A Temporal that takes nothing any more (its disk is full) answers questions all the same, of how things stood. */
function isOverdue({ paused, next }: ListedSchedule, now: number): boolean {
  return !paused && next !== null && now - Date.parse(next) > OVERDUE;
}

function standsStill({ id, next }: ListedSchedule, host: string): Condition {
  return {
    ...about('schedule-skipping', id, host),
    message: `The schedule ${id} was due at ${next}, and Temporal has done nothing about it: no plan runs by itself.`,
    remedy: "See Temporal's log and whether its disk is full, and start it again.",
  };
}

function skipping(id: string, { since, skipped, missed }: NonNullable<Counted['leftOut']>, host: string): Condition {
  const parts = [
    ...(skipped > 0 ? [`${times(skipped)} since the run before still went on`] : []),
    ...(missed > 0 ? [`${times(missed)} since Temporal could not start it in time`] : []),
  ];
  return {
    ...about('schedule-skipping', id, host),
    message: `The schedule ${id} has left out ${parts.join(', and ')} (noticed at ${since}), and has started none without leaving others out since.`,
    remedy:
      'mosaic-backup schedules list shows its last run: see in the Web UI what that waits for, and end or mend it.',
  };
}

function about(alert: 'schedule-missing' | 'schedule-paused' | 'schedule-skipping', id: string, host: string) {
  // Each schedule of a site is one thing, whichever host tells of it.
  return { alert, key: `${alert}/${id}`, source: null, host, once: false } as const;
}

function times(count: number): string {
  return count === 1 ? 'one time' : `${count} times`;
}
