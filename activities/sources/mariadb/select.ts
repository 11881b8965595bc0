/** Which backups of binary logs a recovery needs. Pure. */
import { BackupError } from '../../../model/errors.ts';
import { orderOf, type Manifest } from '../../../model/manifest.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import { microseconds } from '../../../model/time.ts';
import type { LogSelection } from '../types.ts';
import { continues, familyOf, follows, logPosition, numberOf, type LogPosition } from './binlogs.ts';
import { furthest, isUpTo, sameGtids } from './gtid.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';
import { planReplay, stoodStill } from './replay-plan.ts';

export interface Logs {
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
  const of = { manifest: base, position: parsed.data };
  const { files, marks } = logsIn(all);
  const [likely = [], ...others] = runsFrom(of, files, from).map((run) => withMark(run, of.position, { marks, from }));
  const why = whyNot(of, likely, target);
  const run = why === null ? likely : others.find((other) => whyNot(of, other, target) === null);
  if (!run) return { reached: false, why: why ?? '', from, until: likely.at(-1)?.coversUntil ?? null };
  // What some logs reach, more of them reach as well.
  let [least, most] = [1, run.length];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (whyNot(of, run.slice(0, middle), target) === null) most = middle;
    else least = middle + 1;
  }
  return { reached: true, logs: run.slice(0, target.kind === 'end' ? run.length : least) };
}

interface Base {
  readonly manifest: Manifest;
  readonly position: PhysicalPosition;
}

function whyNot(base: Base, logs: readonly Manifest[], target: RestoreTarget): string | null {
  try {
    planReplay(base, logs, target);
    return null;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'refused') return String(error.facts['why'] ?? error.message);
    throw error;
  }
}

/** Those that hold files, and those that only say that nothing was committed. */
export function logsIn(all: readonly Manifest[]): { readonly files: readonly Logs[]; readonly marks: readonly Logs[] } {
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
  readonly marks: readonly Logs[];
  /** RFC 3339, by the server's clock: when the backup ended. */
  readonly from: string;
}

/** With the record that reaches furthest of the idle time behind these logs, or behind a backup that was taken in it. */
function withMark(run: readonly Logs[], position: PhysicalPosition, { marks, from }: Idle): readonly Manifest[] {
  const last = run.at(-1)?.position;
  const mark = marks
    .filter(({ position: mark }) =>
      last ? continues(last, mark) : stoodStill(position, mark) && microseconds(mark.coversUntil) >= microseconds(from),
    )
    .toSorted((a, b) => a.position.coversUntil.localeCompare(b.position.coversUntil))
    .at(-1);
  return (mark ? run.concat(mark) : run).map(({ manifest }) => manifest);
}

/**
 * The logs from the file in which the backup was taken, up to the first hole, of each lineage that may be its own: the
 * likeliest first, and one that is empty where there are none. Where the repository had lost them, files were shipped once
 * more, from the first that the server has: of several runs of a lineage it is the one that reaches furthest.
 */
function runsFrom(base: Base, logs: readonly Logs[], from: string): readonly (readonly Logs[])[] {
  const byFirst = Map.groupBy(logs, ({ position: { lineage, firstFile } }) => `${lineage} ${numberOf(firstFile)}`);
  const lineages = Map.groupBy(firstBehind(base, logs), ({ position }) => position.lineage);
  const runs = [...lineages.values()].map((own) =>
    own
      .map((first) => runBehind(first, byFirst))
      .reduce((furthest, run) => (endOf(run) > endOf(furthest) ? run : furthest), []),
  );
  const likely = likeliestFirst(runs, { logs, from });
  return likely.length > 0 ? likely : [[]];
}

/**
 * RESET MASTER, or a disk that was rolled back, begins another lineage in the same data folder, with names and GTIDs of
 * before. By the server's clock, in whole seconds, the backup is of the first one that goes on behind it. One that ends
 * before it is its own only where none came later: that clock may have been set back.
 */
function likeliestFirst(
  runs: readonly (readonly Logs[])[],
  { logs, from }: { readonly logs: readonly Logs[]; readonly from: string },
): readonly (readonly Logs[])[] {
  const inOrder = runs.toSorted((a, b) => coveredBy(a.at(-1)) - coveredBy(b.at(-1)));
  const ended = Math.floor(microseconds(from) / 1e6) * 1e6;
  const isBehind = (run: readonly Logs[]): boolean => coveredBy(run.at(-1)) >= ended;
  const latest = logs.reduce((one, two) => (coveredBy(two) > coveredBy(one) ? two : one), logs[0]);
  const before = inOrder.filter((run) => !isBehind(run) && run[0]?.position.lineage === latest?.position.lineage);
  return [...inOrder.filter(isBehind), ...before];
}

function coveredBy(logs: Logs | undefined): number {
  return microseconds(logs?.position.coversUntil ?? '');
}

function runBehind(first: Logs, byFirst: ReadonlyMap<string, readonly Logs[]>): readonly Logs[] {
  const run = [first];
  for (let last = first.position; ;) {
    const next = byFirst
      .get(`${last.lineage} ${numberOf(last.lastFile) + 1}`)
      ?.find((each) => follows(last, each.position));
    if (!next) return run;
    run.push(next);
    last = next.position;
  }
}

function endOf(run: readonly Logs[]): number {
  return numberOf(run.at(-1)?.position.lastFile ?? '.0');
}

/**
 * Logs that hold the file in which the backup was taken, and its GTID. Names of files come again after a restore in
 * place, and GTIDs where somebody has put older data back by hand: what was written by the server of the same data folder
 * is of the same history. Where no logs say that, clocks are left: a file is finished, and shipped, after the backup.
 */
function firstBehind({ manifest, position }: Base, logs: readonly Logs[]): readonly Logs[] {
  const { binlogFile, gtid, lineage } = position;
  if (binlogFile === null) return [];
  const holding = logs
    .filter((each) => holds(each.position, binlogFile) && isWithin(each.position, gtid))
    .toSorted((a, b) => orderOf(a.manifest) - orderOf(b.manifest));
  const own = holding.filter((each) => each.position.dataFolder === lineage);
  return own.length > 0 ? own : holding.filter(isAfter(manifest)).slice(0, 1);
}

/** Both times are of our own clock, whatever the server's says; where it was set back in between, they are refused. */
function isAfter({ started }: Manifest): (logs: Logs) => boolean {
  return ({ manifest: { finished } }) => Date.parse(finished) > Date.parse(started);
}

function holds({ firstFile, lastFile }: LogPosition, file: string): boolean {
  const number = numberOf(file);
  return familyOf(firstFile) === familyOf(file) && numberOf(firstFile) <= number && number <= numberOf(lastFile);
}

function isWithin({ gtidStart, gtidEnd }: LogPosition, gtid: string | null): boolean {
  return gtid === null || (sameGtids(furthest([gtidStart, gtid]), furthest([gtid])) && isUpTo(gtid, gtidEnd));
}
