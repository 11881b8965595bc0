/** Which of a destination's windows is open at a moment. Pure. */
import { localTime } from './retention/zone.ts';
import type { CopyWindow } from './config/windows.ts';

/** Without windows a destination may be used at any time. */
export type Opening = { readonly open: true; readonly maxRate?: number } | { readonly open: false };

/**
 * @param now milliseconds since the epoch; windows are in the site's time zone. Where several are open the one that allows most counts.
 */
export function openingOf(windows: readonly CopyWindow[] | undefined, now: number, timeZone: string): Opening {
  if (windows === undefined) return { open: true };
  const minute = minuteOf(localTime(now, timeZone).slice(-5));
  const open = windows.filter((window) => isOpen(window, minute));
  if (open.length === 0) return { open: false };
  const rates = open.map(({ maxRate }) => maxRate ?? Number.POSITIVE_INFINITY);
  const maxRate = Math.max(...rates);
  return { open: true, ...(Number.isFinite(maxRate) && { maxRate }) };
}

/** `22:00–06:00`, for messages. */
export function windowsInWords(windows: readonly CopyWindow[], timeZone: string): string {
  return `${windows.map(({ from, to }) => `${from}–${to}`).join(', ')} ${timeZone}`;
}

function isOpen({ from, to }: CopyWindow, minute: number): boolean {
  const [start, end] = [minuteOf(from), minuteOf(to)];
  return start < end ? minute >= start && minute < end : minute >= start || minute < end;
}

function minuteOf(clock: string): number {
  const [hours = '', minutes = ''] = clock.split(':');
  return Number(hours) * 60 + Number(minutes);
}
