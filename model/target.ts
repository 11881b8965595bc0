/** Where a point-in-time recovery stops. */
import { BackupError } from './errors.ts';
import { isInCalendar } from './time.ts';

export type RestoreTarget =
  /** RFC 3339, UTC: what was committed until then. */
  | { readonly kind: 'time'; readonly time: string }
  /** An LSN (`0/3000060`) or a GTID (`0-1-42`): the last one applied. */
  | { readonly kind: 'position'; readonly position: string }
  /** Everything before this GTID. */
  | { readonly kind: 'before'; readonly position: string }
  /** A named restore point. */
  | { readonly kind: 'name'; readonly name: string }
  /** The end of the logs. */
  | { readonly kind: 'end' };

/** A time that lacks its zone. */
const ZONELESS = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)$/;
const POSITION = /^(?:[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}|\d+-\d+-\d+)$/;

/**
 * A target as it is written on the command line: a time with its zone, an LSN or GTID, `name:…`, or `end`.
 * @throws BackupError `usage`.
 */
export function parseTarget(text: string): RestoreTarget {
  if (text === 'end') return { kind: 'end' };
  if (text.startsWith('name:') && text.length > 5) return { kind: 'name', name: text.slice(5) };
  if (TIME.test(text) && isInCalendar(text)) return { kind: 'time', time: inUtc(text) };
  // Before positions: a day has the form of a GTID, and whoever writes 2026-11-23 means the day.
  if (ZONELESS.test(text) && isInCalendar(text.slice(0, 10))) {
    const [date = '', clock = '00:00:00'] = text.split(/[T ]/);
    throw new BackupError('usage', `"${text}" has no zone: whose clock is meant is not said.`, {
      remedy: `Write ${date}T${clock}Z where it is UTC, else the zone behind it, as in ${date}T${clock}+01:00. In a shell, date -Is prints one.`,
    });
  }
  if (POSITION.test(text)) return { kind: 'position', position: text };
  throw new BackupError('usage', `"${text}" is no target of a recovery.`, {
    remedy:
      'Write a time with its zone (2026-11-23T14:05:00Z, 2026-11-23T14:05+01:00), an LSN (0/3000060) or GTID (0-1-42), name:RESTORE_POINT, or end.',
  });
}

/** In UTC, with all decimals that were given. */
function inUtc(text: string): string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  return `${new Date(text).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

export function describeTarget(target: RestoreTarget): string {
  if (target.kind === 'time') return target.time;
  if (target.kind === 'name') return `The restore point "${target.name}"`;
  if (target.kind === 'end') return 'The end of the logs';
  return target.kind === 'before' ? `What was before ${target.position}` : `Position ${target.position}`;
}
