/** Times as they stand in ids, paths and manifests: always UTC. */
import { BackupError } from './errors.ts';

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * The scheduled time of a run in its one spelling, RFC 3339 in UTC with whole seconds.
 * @throws BackupError `usage` when it is not an RFC 3339 time with a zone.
 */
export function scheduledTime(text: string): string {
  if (!RFC3339.test(text) || !isInCalendar(text)) {
    throw new BackupError('usage', `"${text}" is not a time`, {
      remedy: 'Write it with date, time and zone, as in 2026-11-23T02:00:00Z.',
    });
  }
  return wholeSeconds(Date.parse(text));
}

/** The 30th of February is the 2nd of March to JavaScript: nothing is to be run or restored of another day than was said. */
export function isInCalendar(text: string): boolean {
  const date = text.slice(0, 10);
  return !Number.isNaN(Date.parse(text)) && new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** Milliseconds since the epoch as RFC 3339 in UTC, cut to whole seconds. */
export function wholeSeconds(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** `2026-11-23T02:00:00Z` → `20261123T020000Z`, the form used in backup ids. */
export function compactTime(time: string): string {
  return scheduledTime(time).replaceAll(/[-:]/g, '');
}

/** `20261123T020000Z` → `2026-11-23T02:00:00Z`. */
export function expandTime(compact: string): string {
  return compact.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z');
}

/**
 * An RFC 3339 time as microseconds since the epoch, to compare by: servers tell six decimals, and a Date knows three.
 * NaN for what is no time.
 */
export function microseconds(time: string): number {
  const decimals = /\.(\d+)/.exec(time)?.[1] ?? '';
  return Date.parse(time.replace(/\.\d+/, '')) * 1000 + Number(decimals.padEnd(6, '0').slice(0, 6));
}
