/** Which WAL a recovery needs. Pure: continuity is looked at here, since a hole without a target promotes silently. */
import { BackupError } from '../../../../model/errors.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { RestoreTarget } from '../../../../model/target.ts';
import { microseconds } from '../../../../model/time.ts';
import type { LogSelection } from '../../types.ts';
import { lsnNumber } from '../base-backup.ts';
import { basePosition, type BasePosition } from '../incremental/position.ts';
import { covers, firstSegment, isOurs, lastSegment, logsPosition, type LogsPosition } from './position.ts';
import { follows, segmentAt, segmentName } from './segments.ts';

export interface Logs {
  readonly manifest: Manifest;
  readonly position: LogsPosition;
}

/** Selects the shortest run of logs that follow each other from the backup's end to the target. @throws BackupError `usage`. */
export function select(base: Manifest, all: readonly Manifest[], target: RestoreTarget): LogSelection {
  requireKnown(target);
  const parsed = basePosition.safeParse(base.position);
  const from = parsed.data?.endedAt ?? base.finished;
  if (!parsed.success)
    return { reached: false, why: 'its manifest does not say where in the WAL it ends', from, until: null };
  const start = parsed.data;
  const logs = logsIn(all);
  const { run, missing } = withTail(start, logs, runFrom(start, logs));
  const until = run.findLast(({ manifest }) => manifest.coversUntil)?.manifest.coversUntil ?? null;
  const refused = (why: string): LogSelection => ({ reached: false, why, from, until });

  const early = beforeEnd(target, start, from);
  if (early !== null) return refused(early);
  const lacking = target.kind === 'name' ? lackingName(target.name, run, logs) : null;
  if (lacking !== null) return refused(lacking);
  const last = run.findIndex((logs, index) => reaches(logs, target, index === run.length - 1));
  if (last >= 0) return { reached: true, logs: run.slice(0, last + 1).map(({ manifest }) => manifest) };
  const end =
    run.length === 0
      ? 'no WAL behind the backup is there'
      : `the WAL that follows on it ends at ${until ?? 'a time that is not known'}`;
  return refused(missing === null ? end : `${end}, and then ${missing} is missing`);
}

/** Those of WAL; what a manifest says that is damaged, or of another type that the source had before, counts as missing. */
export function logsIn(all: readonly Manifest[]): readonly Logs[] {
  return all.flatMap((manifest) => {
    const { success, data } = logsPosition.safeParse(manifest.position);
    return success ? [{ manifest, position: data }] : [];
  });
}

/** @throws BackupError `usage` for what only MariaDB knows. */
function requireKnown(target: RestoreTarget): void {
  const isGtid = target.kind === 'before' || (target.kind === 'position' && !target.position.includes('/'));
  if (!isGtid) return;
  throw new BackupError('usage', `PostgreSQL has no GTIDs, so that ${target.position} is no place in its logs.`, {
    remedy: 'Say --at with a time and its zone (2026-11-23T14:05:00Z), an LSN (0/3000060), name:RESTORE_POINT, or end.',
  });
}

/** PostgreSQL accepts a target before the backup's end without a word, and recovers to another time. */
function beforeEnd(target: RestoreTarget, { endLsn }: BasePosition, endedAt: string): string | null {
  if (target.kind === 'time' && microseconds(target.time) < microseconds(endedAt))
    return `it ended at ${endedAt}, after that time`;
  if (target.kind === 'position' && lsnNumber(target.position) < lsnNumber(endLsn))
    return `it ends at ${endLsn}, behind that position`;
  return null;
}

/**
 * Why a restore point is not in a run; null where it is, or where only the recovery tells: those of users stand in no
 * manifest.
 */
function lackingName(name: string, run: readonly Logs[], all: readonly Logs[]): string | null {
  if (run.some(({ position }) => position.restorePoint === name)) return null;
  if (all.some(({ position }) => position.restorePoint === name)) return 'it is not in the WAL that follows on it';
  return isOurs(name) ? 'no logs here end at it' : null;
}

interface Run {
  readonly run: readonly Logs[];
  /** The segment that is missing behind it; null where it is the end. */
  readonly missing: string | null;
}

/** What a stopped server had begun to write behind the run. Of several tails the longest holds the others. */
function withTail(start: BasePosition, all: readonly Logs[], { run, missing }: Run): Run {
  const end = run.at(-1);
  const last = end && lastSegment(end.position);
  const tails = logsOf(start, all).filter(({ position }) => {
    const first = firstSegment(position);
    if (position.tail === undefined || !first) return false;
    if (!last) return beginsAt(position, start);
    return first.timeline === last.timeline && follows(last, first);
  });
  const longest = tails.toSorted((a, b) => byEnd(a.position, b.position)).at(-1);
  return longest ? { run: [...run, longest], missing: null } : { run, missing };
}

/** All that the backup's cluster wrote on its timeline, and on later ones, by their place. */
function logsOf(start: BasePosition, all: readonly Logs[]): readonly Logs[] {
  return all
    .filter(({ position }) => position.systemId === start.systemId && position.timeline >= start.timeline)
    .toSorted((a, b) => byPlace(a.position, b.position));
}

/** The logs from the backup's end on, up to the first hole; and the segment that is missing there. */
function runFrom(start: BasePosition, all: readonly Logs[]): Run {
  const logs = logsOf(start, all).filter(({ position }) => position.tail === undefined);
  const first = logs.findIndex(({ position }) => beginsAt(position, start));
  if (first < 0) return { run: [], missing: null };
  const run: Logs[] = [];
  for (const each of logs.slice(first)) {
    const before = run.at(-1);
    const wanted = before && wantedAfter(before.position, each.position);
    if (wanted !== undefined) return { run, missing: wanted };
    run.push(each);
  }
  return { run, missing: null };
}

/** The backup holds the segment of its own end whole: logs may begin with it, or with the next one. */
function beginsAt(position: LogsPosition, { timeline, endLsn }: BasePosition): boolean {
  const first = firstSegment(position);
  if (!first || first.timeline !== timeline) return false;
  const last = segmentAt(previousByte(endLsn), timeline, position.segmentBytes);
  return covers(position, endLsn) || follows(last, first);
}

function previousByte(lsn: string): string {
  const at = lsnNumber(lsn) - 1n;
  return `${(at >> 32n).toString(16)}/${(at & 0xffff_ffffn).toString(16)}`;
}

function byPlace(a: LogsPosition, b: LogsPosition): number {
  if (a.timeline !== b.timeline) return a.timeline - b.timeline;
  return Number(lsnNumber(a.startLsn) - lsnNumber(b.startLsn));
}

export function byEnd(a: LogsPosition, b: LogsPosition): number {
  return Number(lsnNumber(a.endLsn) - lsnNumber(b.endLsn));
}

/** Name of the segment that is missing between two; undefined where none is. */
export function wantedAfter(before: LogsPosition, after: LogsPosition): string | undefined {
  const last = lastSegment(before);
  const first = firstSegment(after);
  // What shipping itself called a hole is one, whatever the names say.
  if (after.gap === null && last && first && (follows(last, first) || goesOver(before, after))) return undefined;
  return last ? segmentName({ ...last, number: last.number + 1n }, before.segmentBytes) : 'a segment';
}

/**
 * Whether logs begin with segments that the ones before end with. What was sealed last is received already, and sealed
 * once more where the repository had lost it: the same twice is fine, another one of its name is not.
 */
function goesOver(before: LogsPosition, after: LogsPosition): boolean {
  const twice = Object.entries(after.segments).filter(([name]) => name in before.segments);
  return (
    twice.length > 0 && byEnd(before, after) <= 0 && twice.every(([name, digest]) => digest === before.segments[name])
  );
}

function reaches({ manifest, position }: Logs, target: RestoreTarget, isLast: boolean): boolean {
  if (target.kind === 'time') return microseconds(manifest.coversUntil ?? '') >= microseconds(target.time);
  if (target.kind === 'position') return lsnNumber(position.endLsn) > lsnNumber(target.position);
  // A name of ours is known; where another one is, only the recovery tells.
  if (target.kind === 'name' && position.restorePoint === target.name) return true;
  return isLast;
}
