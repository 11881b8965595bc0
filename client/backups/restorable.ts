/** Until when a source can be restored to any time: the newest of its logs that reach back without a hole to a backup. */
import { logsOf } from '../../activities/sources/index.ts';
import { reachOf } from '../../activities/sources/reach.ts';
import type { Manifest } from '../../model/manifest.ts';
import { isDamaged, type BackupEntry } from './overview.ts';

export interface Restorable {
  /** RFC 3339, by the server's clock. */
  readonly until: string;
  /** RFC 3339, the same moment or a little earlier by our own clock: only from it is an age counted. */
  readonly seen: string;
  /** The place that holds the backup and all logs up to then. */
  readonly place: string;
  /** Reference of the backup that they reach back to. */
  readonly base: string;
}

/**
 * At each place by itself, the latest first: all that a restore needs must lie at one of them. What was found damaged, or
 * builds on what is, counts as missing there, and so does what a stranger has put there. A place from where no logs reach back to a backup is left out.
 * @param isOurs whether a key that counts has signed it.
 */
export function restorablePlaces(
  entries: readonly BackupEntry[],
  source: string,
  isOurs: (entry: BackupEntry) => boolean,
): readonly Restorable[] {
  const own = entries.filter((entry) => entry.source === source);
  const places = [...new Set(own.flatMap(({ places }) => places))];
  const found = places.flatMap((place) => restorableAt(own, place, isOurs) ?? []);
  return found.toSorted((a, b) => b.until.localeCompare(a.until));
}

/** The latest over all places, where all is ours; null where no logs reach back to a backup anywhere. */
export function restorableUntil(entries: readonly BackupEntry[], source: string): Restorable | null {
  return restorablePlaces(entries, source, () => true)[0] ?? null;
}

function restorableAt(
  entries: readonly BackupEntry[],
  place: string,
  isOurs: (entry: BackupEntry) => boolean,
): Restorable | null {
  const usable = entries.filter(
    (entry) =>
      entry.places.includes(place) &&
      !isDamaged(entry, place) &&
      !entry.broken.some((broken) => broken.place === place),
  );
  const best = farthest(usable, place);
  if (best === null) return null;
  // Each of a hundred thousand signatures is looked at only where one of those that decide is somebody else's.
  const deciding = usable.filter(
    ({ reference, backup }) => reference === best.base || backup.manifest.coversUntil === best.until,
  );
  return deciding.every(isOurs) ? best : farthest(usable.filter(isOurs), place);
}

function farthest(usable: readonly BackupEntry[], place: string): Restorable | null {
  const logs = usable.map(({ backup }) => backup.manifest).filter(({ kind }) => kind === 'logs');
  // Of each type that the source ever had: eight thousand logs are few runs, and each backup looks through them.
  const runs = new Map(
    [...new Set(logs.map(({ type }) => type))].map((type) => [type, logsOf(type)?.join(logs, { whole: false })]),
  );
  let best: Restorable | null = null;
  for (const { backup, reference } of usable) {
    const { manifest } = backup;
    if (manifest.kind === 'logs') continue;
    const until = reachOf(manifest, runs.get(manifest.type) ?? [])?.until ?? null;
    if (until !== null && (best === null || until > best.until))
      best = { until, seen: seenAt(until, logs), place, base: reference };
  }
  return best;
}

/** The shipping that asked the server for its time began before it. Those that came late carry the same time once more. */
function seenAt(until: string, logs: readonly Manifest[]): string {
  const began = logs.filter(({ coversUntil }) => coversUntil === until).map(({ started }) => started);
  return began.toSorted()[0] ?? until;
}
