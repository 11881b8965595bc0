/** Which backups of binary logs a recovery needs. Pure. */
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { LogSelection } from '../types.ts';
import { familyOf, logPosition, numberOf, type LogPosition } from './binlogs.ts';
import { furthest, sameGtids } from './gtid.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';
import { planReplay } from './replay-plan.ts';

interface Logs {
  readonly manifest: Manifest;
  readonly position: LogPosition;
}

/** Selects the shortest run of logs that follow each other from the backup's position to the target. */
export function select(base: Manifest, all: readonly Manifest[], target: RestoreTarget): LogSelection {
  const from = base.finished;
  const parsed = physicalPosition.safeParse(base.position);
  if (!parsed.success) {
    return { reached: false, why: 'it is a dump, and logs are replayed on physical backups only', from, until: null };
  }
  const run = runFrom(base, parsed.data, all).map(({ manifest }) => manifest);
  const until = run.at(-1)?.coversUntil ?? null;
  const failure = (count: number): string | null =>
    whyNot({ manifest: base, position: parsed.data }, run.slice(0, count), target);
  const why = failure(run.length);
  if (why !== null) return { reached: false, why, from, until };
  // What some logs reach, more of them reach as well.
  let [least, most] = [1, run.length];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (failure(middle) === null) most = middle;
    else least = middle + 1;
  }
  return { reached: true, logs: run.slice(0, target.kind === 'end' ? run.length : least) };
}

function whyNot(
  base: { readonly manifest: Manifest; readonly position: PhysicalPosition },
  logs: readonly Manifest[],
  target: RestoreTarget,
): string | null {
  try {
    planReplay(base, logs, target);
    return null;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'refused') return error.message;
    throw error;
  }
}

/** The logs from the file in which the backup was taken, up to the first hole. */
function runFrom(base: Manifest, { binlogFile, gtid }: PhysicalPosition, all: readonly Manifest[]): readonly Logs[] {
  if (binlogFile === null) return [];
  const logs = all.flatMap((manifest) => {
    const position = logPosition.safeParse(manifest.position);
    return position.success ? [{ manifest, position: position.data }] : [];
  });
  const first = logs
    .filter(
      ({ manifest, position }) =>
        holds(position, binlogFile) && isAfter(manifest, base) && beginsBefore(position, gtid),
    )
    .toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished))[0];
  if (!first) return [];
  const run = [first];
  for (;;) {
    const last = run.at(-1)?.position ?? first.position;
    const next = logs.find(({ position }) => follows(last, position));
    if (!next) return run;
    run.push(next);
  }
}

function holds({ firstFile, lastFile }: LogPosition, file: string): boolean {
  const number = numberOf(file);
  return familyOf(firstFile) === familyOf(file) && numberOf(firstFile) <= number && number <= numberOf(lastFile);
}

/**
 * The file in which a backup ends is finished, and shipped, after it. Names of files begin again after a recovery in
 * place: one that was shipped earlier is another history's.
 */
function isAfter(logs: Manifest, base: Manifest): boolean {
  return Date.parse(logs.finished) > Date.parse(base.started);
}

/** After a restore in place files of the same name come again, and begin behind every GTID that there was before it. */
function beginsBefore({ gtidStart }: LogPosition, gtid: string | null): boolean {
  return gtid === null || sameGtids(furthest([gtidStart, gtid]), furthest([gtid]));
}

function follows(before: LogPosition, after: LogPosition): boolean {
  return (
    before.lineage === after.lineage &&
    numberOf(after.firstFile) === numberOf(before.lastFile) + 1 &&
    sameGtids(before.gtidEnd, after.gtidStart)
  );
}
