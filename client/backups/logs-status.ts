/** How far the continuous logs of a source reach, from each place. */
import { isAhead } from '../../model/clock.ts';
import { isAuthentic, type BackupEntry, type Overview } from './overview.ts';
import { restorablePlaces } from './restorable.ts';

export interface LogsStatus {
  /** RFC 3339: the latest time to which it can be restored now; null where no logs reach back to a backup yet. */
  readonly restorableUntil: string | null;
  /** Milliseconds since then, by our own clock alone: what would be lost now; null where that is of the future by it, too. */
  readonly lag: number | null;
  /** Where the backup and the logs lie. */
  readonly place: string | null;
  readonly base: string | null;
  /** The same for every place from which it can be restored to any time, the latest first: the others are what is left without the first. */
  readonly places: readonly LogsPlace[];
}

export interface LogsPlace {
  readonly place: string;
  readonly restorableUntil: string;
  readonly lag: number | null;
  readonly base: string;
}

interface LogsAsked {
  readonly overview: Pick<Overview, 'entries' | 'trusted'>;
  readonly source: string;
  /** RFC 3339: when it was restored in place last. What was backed up before are other data than the server's. */
  readonly since: string | null;
  readonly now: number;
}

export function logsStatus({ overview, since, source, now }: LogsAsked): LogsStatus {
  const isOurs = ({ backup }: BackupEntry): boolean => isAuthentic(overview, backup);
  const places = restorablePlaces(overview.entries.filter(isSince(since)), source, isOurs).map(
    ({ until, seen, place, base }): LogsPlace => ({
      place,
      restorableUntil: until,
      lag: isAhead(seen, now) ? null : Math.max(0, now - Date.parse(seen)),
      base,
    }),
  );
  const [first] = places;
  if (!first) return { restorableUntil: null, lag: null, place: null, base: null, places };
  return { ...first, places };
}

/** Backups that began after a restore in place: only they are of the server's data. */
function isSince(since: string | null): (entry: BackupEntry) => boolean {
  return ({ backup }) => since === null || backup.manifest.started > since;
}
