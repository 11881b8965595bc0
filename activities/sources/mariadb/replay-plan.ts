/**
 * Which logs are replayed onto a backup, and how far, decided before anything is fetched. mariadb-binlog itself
 * minds none of it: a file that is missing in the middle, a start behind the end and a stop that never comes all end
 * with rc 0. Pure.
 */
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { formatReference } from '../../../model/reference.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import { continues, familyOf, follows, logPosition, numberOf, type LogPosition } from './binlogs.ts';
import { artifactOf } from './logs.ts';
import { parseGtid, sameGtids, sequenceIn } from './gtid.ts';
import type { PhysicalPosition } from './position.ts';

export interface ReplayPlan {
  /** Names of files by the number of the backup of logs that holds them, in order; none where nothing is to be replayed. */
  readonly files: readonly { readonly log: number; readonly file: string }[];
  /** The GTIDs that the backup has; what comes after them is replayed. */
  readonly start: string;
  /** Arguments of mariadb-binlog that end it. */
  readonly stop: readonly string[];
}

interface Base {
  readonly manifest: Manifest;
  readonly position: PhysicalPosition;
}

/** @throws BackupError `refused` where the logs do not reach from the backup to the target, `usage`. */
export function planReplay(base: Base, logs: readonly Manifest[], target: RestoreTarget): ReplayPlan {
  const { binlogFile, gtid } = base.position;
  if (binlogFile === null || gtid === null) {
    throw refused(`${formatReference(base.manifest)} says no position: the server wrote no binary log then`);
  }
  const all = logs.map((manifest, log) => ({ position: positionOf(manifest), log, manifest }));
  const held = all.filter(({ position }) => !position.idle);
  const mark = all.findLast(({ position }) => position.idle)?.position;
  const [first, last] = [held[0]?.position, held.at(-1)?.position];
  if (!first || !last) {
    if (!mark) throw refused('no logs are there to replay');
    if (!stoodStill(base.position, mark))
      throw refused(`the logs end at ${mark.gtidEnd}, and the backup is of ${gtid}`);
    stopOf(target, { base, gtid, last: mark });
    return { files: [], start: gtid, stop: [] };
  }
  for (const [index, { position }] of held.slice(1).entries()) requireNext(held[index]?.position, position);
  if (mark && !continues(last, mark)) throw refused(holeBetween(last, mark));
  const from = numberOf(binlogFile);
  if (familyOf(binlogFile) !== familyOf(first.firstFile) || from < numberOf(first.firstFile)) {
    throw refused(`the logs begin with ${first.firstFile}, and the backup needs them from ${binlogFile} on`);
  }
  if (from > numberOf(last.lastFile)) {
    throw refused(`the logs end with ${last.lastFile}, and the backup needs them from ${binlogFile} on`);
  }
  const stop = stopOf(target, { base, gtid, last: mark ?? last });
  // The backup itself stands at the target.
  if (stop === undefined) return { files: [], start: gtid, stop: [] };
  const files = held.flatMap(({ position, log, manifest }) =>
    filesOf(position, manifest)
      .filter((file) => numberOf(file) >= from)
      .map((file) => ({ log, file })),
  );
  return { files, start: gtid, stop };
}

function positionOf(manifest: Manifest): LogPosition {
  const found = logPosition.safeParse(manifest.position);
  if (found.success) return found.data;
  throw refused(`${formatReference(manifest)} is no backup of binary logs`);
}

function requireNext(before: LogPosition | undefined, position: LogPosition): void {
  if (before && follows(before, position)) return;
  throw refused(holeBetween(before, position));
}

function holeBetween(before: LogPosition | undefined, { firstFile, gtidStart }: LogPosition): string {
  return `the logs have a hole between ${before?.lastFile ?? '?'} (${before?.gtidEnd ?? '?'}) and ${firstFile} (${gtidStart})`;
}

/** Whether a backup was taken while nothing was committed behind the logs: it is what they end with. */
export function stoodStill({ binlogFile, gtid }: PhysicalPosition, mark: LogPosition): boolean {
  return (
    mark.idle === true &&
    binlogFile !== null &&
    gtid !== null &&
    familyOf(binlogFile) === familyOf(mark.lastFile) &&
    numberOf(binlogFile) > numberOf(mark.lastFile) &&
    sameGtids(gtid, mark.gtidEnd)
  );
}

/** Every file of a backup of logs; each must have its artifact. */
function filesOf({ firstFile, lastFile }: LogPosition, manifest: Manifest): readonly string[] {
  const [from, to] = [numberOf(firstFile), numberOf(lastFile)];
  const digits = firstFile.length - familyOf(firstFile).length - 1;
  const names = Array.from(
    { length: to - from + 1 },
    (_none, index) => `${familyOf(firstFile)}.${String(from + index).padStart(digits, '0')}`,
  );
  const held = new Set(manifest.artifacts.map(({ name }) => name.replace(/\.zst\.age$/, '')));
  const missing = names.find((name) => !held.has(artifactOf(name)));
  if (missing === undefined) return names;
  throw refused(`${formatReference(manifest)} lacks ${missing}`);
}

interface Reach {
  readonly base: Base;
  readonly gtid: string;
  readonly last: LogPosition;
}

/** Undefined where nothing is to be replayed. */
function stopOf(target: RestoreTarget, reach: Reach): readonly string[] | undefined {
  if (target.kind === 'end') return [];
  if (target.kind === 'time') return stopAtTime(target.time, reach);
  if (target.kind === 'name') {
    throw new BackupError('usage', 'MariaDB has no named restore points.', { remedy: 'Give a time or a GTID.' });
  }
  const { domain, server, sequence } = parseGtid(target.position);
  // The stop is included: giving the GTID of a DROP replays the DROP.
  const stop = target.kind === 'before' ? sequence - 1n : sequence;
  const [earliest, latest] = [sequenceIn(reach.gtid, domain), sequenceIn(reach.last.gtidEnd, domain)];
  // A mistyped domain: before its first transaction is everything, and nothing.
  if (earliest === 0n && latest === 0n)
    throw refused(`no transaction of domain ${domain} is in the backup, or in its logs`);
  if (stop < earliest) throw refused(`the backup already has ${reach.gtid}, which is after ${target.position}`);
  if (stop > latest) throw refused(`the logs end at ${reach.last.gtidEnd}, before ${target.position}`);
  if (stop === earliest) return undefined;
  return [`--stop-position=${domain}-${server}-${stop}`];
}

/** Events have times of whole seconds: those of the second that the target lies in count only where it is a part of it. */
function stopAtTime(time: string, { base, last }: Reach): readonly string[] {
  const moment = Date.parse(time);
  if (!Number.isFinite(moment)) throw new BackupError('usage', `"${time}" is no time`);
  const ended = base.position.endedAt ?? base.manifest.finished;
  if (moment < Date.parse(ended)) throw refused(`the backup is of ${ended}, after ${time}: take an earlier one`);
  if (moment > Date.parse(last.coversUntil))
    throw refused(`the logs reach to ${last.coversUntil} only, before ${time}`);
  const second = new Date(Math.ceil(moment / 1000) * 1000).toISOString();
  return [`--stop-datetime=${second.slice(0, 10)} ${second.slice(11, 19)}`];
}

function refused(why: string): BackupError {
  return new BackupError('refused', `The logs cannot be replayed to there: ${why}.`, {
    remedy: 'Choose another target, another backup, or fetch the logs that are missing from another copy.',
    facts: { why },
  });
}
