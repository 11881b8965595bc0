/** Named restore points in fetched WAL. A user's own stand nowhere else. */
import { BackupError } from '../../../../model/errors.ts';
import { formatReference } from '../../../../model/reference.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { Work } from '../../../work.ts';
import { some } from '../../check-results.ts';
import { basePosition } from '../incremental/position.ts';
import { readWaldump, type Dump } from '../waldump-lines.ts';
import { isOurs, logsPosition } from './position.ts';

export interface Searched {
  /** Folder of the segments. */
  readonly wal: string;
  /** Programs that have pg_waldump. */
  readonly waldump: Dump['waldump'];
  /** The backup that the logs are replayed on, and they in their order. */
  readonly base: Manifest;
  readonly logs: readonly Manifest[];
  /** What pg_waldump prints of the record at the end of the logs; null where that is not known. */
  readonly end: string | null;
  readonly work: Work;
}

/**
 * Looks for a restore point before hours are spent on a replay that ends in a FATAL. Where the WAL could not be read to
 * its end, that is left to the recovery.
 * @throws BackupError `refused` with the range that was searched, and the names that are there.
 */
export async function requireRestorePoint(name: string, searched: Searched): Promise<void> {
  if (searched.logs.some(({ position }) => logsPosition.parse(position).restorePoint === name)) return;
  const { names, complete } = await restorePoints(searched);
  if (names.has(name) || !complete) return;
  throw new BackupError(
    'refused',
    `There is no restore point "${name}" in the WAL from ${rangeOf(searched)}. Nothing was changed.`,
    {
      remedy: `${namesText(names)} ${elsewhere(name, searched)}`,
      facts: { restorePoint: name, found: [...names].filter((each) => !isOurs(each)) },
    },
  );
}

async function restorePoints({ wal, waldump, logs, end, work }: Searched) {
  const names = new Set<string>();
  let complete = false;
  function look(line: string): void {
    if (end !== null && line.includes(end)) complete = true;
    const name = /desc: RESTORE_POINT (.*)$/.exec(line)?.[1];
    if (name !== undefined) names.add(name);
  }
  const segments = logs.flatMap(({ position }) => Object.keys(logsPosition.parse(position).segments)).toSorted();
  // The record at the end of a tail may be of any kind; to read all kinds takes longer.
  const rmgrs = end?.startsWith('lsn:') ? [] : ['--rmgr=XLOG'];
  for (const own of Map.groupBy(segments, (segment) => segment.slice(0, 8)).values()) {
    const args = [...rmgrs, own[0] ?? '', own.at(-1) ?? ''];
    await readWaldump({ waldump, wal, args, phase: 'looking for the restore point', work }, look);
  }
  return { names, complete };
}

/** Names that users gave; ours, one a tick, are no help. */
function namesText(names: ReadonlySet<string>): string {
  const own = [...names].filter((name) => !isOurs(name)).map((name) => `"${name}"`);
  return own.length > 0 ? `In it are: ${some(own, 10)}.` : 'Nobody has made one in it.';
}

/** What else may hold it. */
export function elsewhere(name: string, { base }: Pick<Searched, 'base'>): string {
  return `If it was made before the end of ${formatReference(base)}, name an older backup: mosaic-backup restore REF --at "name:${name}" (mosaic-backup list shows them); else restore to a time.`;
}

/** In words: from the end of the backup to the end of the last logs. */
export function rangeOf({ base, logs }: Pick<Searched, 'base' | 'logs'>): string {
  const last = logs.at(-1);
  const until = logs.findLast(({ coversUntil }) => coversUntil)?.coversUntil ?? 'a time that is not known';
  const { endLsn, endedAt = base.finished } = basePosition.parse(base.position);
  const to = last ? logsPosition.parse(last.position).endLsn : endLsn;
  return `${endedAt} (${endLsn}) to ${until} (${to})`;
}
