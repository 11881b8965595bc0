/** What is to be done so that the schedules that there are become those that are wanted. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { calendarInWords } from '../../model/timetable/calendar.ts';
import { formatDuration } from '../../model/units.ts';
import type { Schedule } from './wanted.ts';

/** One that there is in Temporal, with what of it is ours to say; other fields are of a hand that changed it. */
export interface Existing {
  readonly id: string;
  readonly paused: boolean;
  /** As `Schedule` has it; null where its shape is none of ours. */
  readonly schedule: Schedule | null;
}

export type Change =
  | { readonly do: 'create'; readonly wanted: Schedule }
  | { readonly do: 'update'; readonly wanted: Schedule; readonly before: Existing }
  | { readonly do: 'remove'; readonly before: Existing };

/** In the order of ids, removals last. */
export function difference(wanted: readonly Schedule[], existing: readonly Existing[]): readonly Change[] {
  const byId = new Map(existing.map((one) => [one.id, one]));
  const ids = new Set(wanted.map(({ id }) => id));
  return [
    ...wanted.flatMap((one): Change[] => {
      const before = byId.get(one.id);
      if (!before) return [{ do: 'create', wanted: one }];
      return isDeepStrictEqual(before.schedule, one) ? [] : [{ do: 'update', wanted: one, before }];
    }),
    ...existing.filter(({ id }) => !ids.has(id)).map((before): Change => ({ do: 'remove', before })),
  ];
}

/** A line for people: `+ logs: every 5m 0s`, `~ logs: every 5m → 10m`, `- …`. */
export function inWords(change: Change): string {
  if (change.do === 'create') return `+ ${change.wanted.id}: ${timing(change.wanted)}`;
  if (change.do === 'remove') return `- ${change.before.id}`;
  const { before, wanted } = change;
  const was = before.schedule ? timing(before.schedule) : 'changed by hand';
  const now = timing(wanted);
  return `~ ${wanted.id}: ${was === now ? `${now}, as the config has it` : `${was} → ${now}`}${before.paused ? ' (stays paused)' : ''}`;
}

/** `every 5m`, `every day at 02:00 (Europe/Berlin)`. */
export function timing({ every, calendar }: Schedule): string {
  return calendar ? `${calendarInWords(calendar)} (${calendar.timeZone})` : `every ${formatDuration(every)}`;
}
