/** Which destinations are behind for too long, from what a tick of catch-up found. Pure. */
import type { Condition } from './alert.ts';
import type { Delivered } from './catch-up.ts';
import { formatBytes, formatDuration } from './units.ts';

export interface CopiesLimit {
  /** Milliseconds that a destination may be behind. */
  readonly alertAfter: number;
  /** A disk that may be absent: what counts is the age of its newest copy. */
  readonly removable: boolean;
}

/** @param limitOf by the name of the destination. */
export function copiesConditions(
  delivered: readonly Delivered[],
  limitOf: (destination: string) => CopiesLimit,
  now: number,
): readonly Condition[] {
  return delivered.flatMap((one) => {
    const limit = limitOf(one.destination);
    const since = lateSince(one, limit);
    if (since === null || now - Date.parse(since) < limit.alertAfter) return [];
    return [conditionOf(one, limit, now - Date.parse(since))];
  });
}

/** Whether a step could tell how far its destination is behind: only then an alert of before may be over. */
export function wasLookedAt({ behind }: Delivered): boolean {
  return behind !== null;
}

function lateSince({ behind, newest }: Delivered, { removable }: CopiesLimit): string | null {
  if (behind === null || behind.backups === 0) return null;
  return removable ? (newest ?? behind.since) : behind.since;
}

function conditionOf(
  { destination, host, behind, state, errors }: Delivered,
  limit: CopiesLimit,
  age: number,
): Condition {
  const [error] = errors;
  const owed = `${behind?.backups ?? 0} backups (${formatBytes(behind?.bytes ?? 0)}) of ${host}`;
  const why = error ? ` ${error.message}` : '';
  const message = limit.removable
    ? `The removable disk ${destination} lacks ${owed}; its newest copy is ${formatDuration(age)} old.${why}`
    : `${destination} lacks ${owed}, the oldest since ${formatDuration(age)}.${why}`;
  return {
    alert: 'copies-behind',
    key: `copies-behind/${destination}/${host}`,
    source: null,
    host,
    message,
    remedy: remedyOf(destination, state, limit, error?.remedy ?? null),
    once: false,
  };
}

function remedyOf(destination: string, state: Delivered['state'], limit: CopiesLimit, said: string | null): string {
  if (said !== null) return said;
  if (limit.removable)
    return `Plug it in and mount it; what it lacks is copied within minutes (mosaic-backup run catch-up does it at once).`;
  if (state === 'waiting')
    return `Its windows are too short for what is backed up: make them longer (destinations.${destination}.windows).`;
  return `mosaic-backup run catch-up copies it now, or says what is wrong.`;
}
