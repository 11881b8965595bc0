/** Which backups of binary logs a recovery needs. Pure. */
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { LogSelection } from '../types.ts';
import { continues, familyOf, logPosition, numberOf, type LogPosition } from './binlogs.ts';
import { furthest, sameGtids } from './gtid.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';
import { planReplay, stoodStill } from './replay-plan.ts';

interface Logs {
  readonly manifest: Manifest;
  readonly position: LogPosition;
}

/** Selects the shortest run of logs that follow each other from the backup's position to the target. */
export function select(base: Manifest, all: readonly Manifest[], target: RestoreTarget): LogSelection {
  const parsed = physicalPosition.safeParse(base.position);
  const from = parsed.data?.endedAt ?? base.finished;
  if (!parsed.success) {
    return { reached: false, why: 'it is a dump, and logs are replayed on physical backups only', from, until: null };
  }
  const { files, marks } = logsIn(all);
  const found = runFrom(base, parsed.data, files);
  const mark = markBehind(base, parsed.data, { last: found.at(-1)?.position, marks });
  const run = [...found.map(({ manifest }) => manifest), ...(mark ? [mark] : [])];
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
    if (error instanceof BackupError && error.code === 'refused') return String(error.facts['why'] ?? error.message);
    throw error;
  }
}

/** Those that hold files, and those that only say that nothing was committed. */
function logsIn(all: readonly Manifest[]): { readonly files: readonly Logs[]; readonly marks: readonly Logs[] } {
  const logs = all.flatMap((manifest) => {
    const position = logPosition.safeParse(manifest.position);
    return position.success ? [{ manifest, position: position.data }] : [];
  });
  return {
    files: logs.filter(({ position }) => !position.idle),
    marks: logs.filter(({ position }) => position.idle),
  };
}

interface Idle {
  /** The end of the logs that follow on the backup; undefined where none do. */
  readonly last: LogPosition | undefined;
  readonly marks: readonly Logs[];
}

/** The record that reaches furthest of the idle time behind these logs, or behind a backup that was taken in it. */
function markBehind(base: Manifest, position: PhysicalPosition, { last, marks }: Idle): Manifest | undefined {
  return marks
    .filter(
      ({ manifest, position: mark }) =>
        isAfter(manifest, base) && (last ? continues(last, mark) : stoodStill(position, mark)),
    )
    .toSorted((a, b) => a.position.coversUntil.localeCompare(b.position.coversUntil))
    .at(-1)?.manifest;
}

/** The logs from the file in which the backup was taken, up to the first hole. */
function runFrom(base: Manifest, { binlogFile, gtid }: PhysicalPosition, logs: readonly Logs[]): readonly Logs[] {
  if (binlogFile === null) return [];
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
 * place: one that was shipped earlier is another history's. Both times are of our own clock, whatever the server's says;
 * where it was set back in between, the logs are refused, and never taken for another history's.
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
