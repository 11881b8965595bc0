/** Backups of binary logs as few: those without a hole between them as one. Pure. */
import type { Manifest } from '../../../model/manifest.ts';
import type { JoinOptions } from '../types.ts';
import { follows, numberOf } from './binlogs.ts';
import { logsIn, type Logs } from './select.ts';

/** A new lineage begins behind each hole that was told of, so within one everything should follow. */
export function join(all: readonly Manifest[], { whole }: JoinOptions): readonly Manifest[] {
  const { files, marks } = logsIn(all);
  const lineages = Map.groupBy([...files, ...marks], ({ position: { lineage } }) => lineage);
  return [...lineages.values()].flatMap((own) => joinLineage(own, whole)).map(({ manifest }) => manifest);
}

function joinLineage(all: readonly Logs[], whole: boolean): readonly Logs[] {
  const runs = all
    .filter(({ position }) => !position.idle)
    .toSorted((a, b) => endOf(a) - endOf(b) || startOf(a) - startOf(b))
    .reduce<readonly Logs[]>((before, next) => added(before, next, whole), []);
  const idle = all.filter(({ position }) => position.idle).toSorted(byTime);
  return whole ? withIdle(runs, idle) : [...runs, ...idleEnds(runs, idle)];
}

function added(runs: readonly Logs[], next: Logs, whole: boolean): readonly Logs[] {
  const last = runs.at(-1);
  return last && (whole || follows(last.position, next.position))
    ? [...runs.slice(0, -1), span(last, next)]
    : [...runs, next];
}

/** From the beginning of the one that begins first to the end of the second. */
function span(one: Logs, two: Logs): Logs {
  const first = startOf(one) <= startOf(two) ? one : two;
  const { firstFile, gtidStart } = first.position;
  return withPosition(two, { ...two.position, firstFile, gtidStart }, first);
}

/** What is idle in the middle of a run tells nothing that the files behind it do not. */
function idleEnds(runs: readonly Logs[], idle: readonly Logs[]): readonly Logs[] {
  const ends = idle.filter((mark) => !runs.some((run) => startOf(run) <= endOf(mark) && endOf(mark) < endOf(run)));
  return [...new Map(ends.map((mark) => [endOf(mark), mark])).values()];
}

/** The last idle time says up to which file there were logs, though that is not there. */
function withIdle(runs: readonly Logs[], idle: readonly Logs[]): readonly Logs[] {
  const [run, mark] = [runs.at(-1), idle.findLast((each) => endOf(each) >= endOf(runs.at(-1)))];
  if (!run || !mark) return [...runs, ...(mark ? [mark] : [])];
  const { lastFile, gtidEnd } = mark.position;
  const reaching = endOf(mark) > endOf(run) ? withPosition(run, { ...run.position, lastFile, gtidEnd }, run) : run;
  return [...runs.slice(0, -1), reaching, mark];
}

function withPosition({ manifest }: Logs, position: Logs['position'], { manifest: { warnings } }: Logs): Logs {
  return { manifest: { ...manifest, position, warnings, artifacts: [] }, position };
}

function startOf({ position }: Logs): number {
  return numberOf(position.firstFile);
}

function endOf(logs: Logs | undefined): number {
  return logs ? numberOf(logs.position.lastFile) : 0;
}

function byTime(a: Logs, b: Logs): number {
  return endOf(a) - endOf(b) || a.position.coversUntil.localeCompare(b.position.coversUntil);
}
