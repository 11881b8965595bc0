/** Until when a source can be restored to any time: the newest of its logs that reach back without a hole to a backup. */
import { covers, logsPosition, type LogsPosition } from '../../activities/sources/postgres/logs/position.ts';
import { lsnNumber } from '../../activities/sources/postgres/base-backup.ts';
import { z } from 'zod';
import { isDamaged, type BackupEntry } from './overview.ts';

export interface Restorable {
  /** RFC 3339, by the server's clock. */
  readonly until: string;
  /** The place that holds the backup and all logs up to then. */
  readonly place: string;
  /** Reference of the backup that they reach back to. */
  readonly base: string;
}

/**
 * The latest over all places: what is needed for a restore must lie at one of them. What was found damaged, or builds on
 * what is, counts as missing there.
 * @returns null where no logs reach back to a backup anywhere.
 */
export function restorableUntil(entries: readonly BackupEntry[], source: string): Restorable | null {
  const own = entries.filter((entry) => entry.source === source);
  const places = [...new Set(own.flatMap(({ places }) => places))];
  const found = places.flatMap((place) => restorableAt(own, place) ?? []);
  return found.reduce<Restorable | null>((best, one) => (best && best.until >= one.until ? best : one), null);
}

interface Shipped {
  readonly position: LogsPosition;
  readonly coversUntil: string | null;
  readonly finished: string;
}

const basePosition = z.looseObject({ systemId: z.string(), timeline: z.int(), endLsn: z.string() });

function restorableAt(entries: readonly BackupEntry[], place: string): Restorable | null {
  const usable = entries.filter(
    (entry) =>
      entry.places.includes(place) &&
      !isDamaged(entry, place) &&
      !entry.broken.some((broken) => broken.place === place),
  );
  const logs = usable.flatMap(shippedOf).toSorted((a, b) => a.finished.localeCompare(b.finished));
  let best: Restorable | null = null;
  for (const { backup, reference } of usable) {
    if (backup.manifest.kind === 'logs') continue;
    const until = reachFrom(backup.manifest.position, logs);
    if (until !== null && (best === null || until > best.until)) best = { until, place, base: reference };
  }
  return best;
}

function shippedOf({ backup: { manifest } }: BackupEntry): readonly Shipped[] {
  if (manifest.kind !== 'logs') return [];
  const position = logsPosition.safeParse(manifest.position);
  const { coversUntil = null, finished } = manifest;
  return position.success ? [{ position: position.data, coversUntil, finished }] : [];
}

/** Until when logs cover that begin at the end of a backup, and follow each other without a hole. */
function reachFrom(position: unknown, logs: readonly Shipped[]): string | null {
  const base = basePosition.safeParse(position);
  if (!base.success) return null;
  const { systemId, timeline, endLsn } = base.data;
  const start = logs.findIndex(
    ({ position: at }) => at.systemId === systemId && at.timeline >= timeline && covers(at, endLsn),
  );
  const first = logs[start];
  if (!first) return null;
  let reached = first.coversUntil;
  let before = first.position;
  for (const { position: at, coversUntil } of logs.slice(start + 1)) {
    // On a new timeline the segment in which it began comes again, so that one may begin before the end of the last.
    if (at.gap !== null || at.systemId !== systemId || lsnNumber(at.startLsn) > lsnNumber(before.endLsn)) break;
    reached = coversUntil ?? reached;
    before = at;
  }
  return reached;
}
