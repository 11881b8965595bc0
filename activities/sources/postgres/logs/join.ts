/** Backups of WAL as few: those without a hole between them as one. Pure. */
import type { Manifest } from '../../../../model/manifest.ts';
import { microseconds } from '../../../../model/time.ts';
import type { JoinOptions } from '../../types.ts';
import { lsnNumber } from '../base-backup.ts';
import { byEnd, logsIn, wantedAfter, type Logs } from './select.ts';

/** Within one timeline of one cluster: where another goes on is looked at when a backup is chosen. */
export function join(all: readonly Manifest[], { whole }: JoinOptions): readonly Manifest[] {
  const { tails = [], followed = [] } = Object.groupBy(logsIn(all), ({ position }) =>
    position.tail === undefined ? 'followed' : 'tails',
  );
  const timelines = Map.groupBy(followed, ({ position }) => `${position.systemId}/${position.timeline}`);
  const runs = [...timelines.values()].flatMap((own) =>
    own
      .toSorted((a, b) => byEnd(a.position, b.position))
      .reduce<readonly Logs[]>((before, next) => added(before, next, whole), []),
  );
  return [...runs, ...new Map(tails.map((tail) => [tail.manifest.id, tail])).values()].map(({ manifest }) => manifest);
}

function added(runs: readonly Logs[], next: Logs, whole: boolean): readonly Logs[] {
  const last = runs.at(-1);
  return last && (whole ? !isBehindHole(last, next) : wantedAfter(last.position, next.position) === undefined)
    ? [...runs.slice(0, -1), span(last, next)]
    : [...runs, next];
}

/** Behind one that was told of when it came. */
function isBehindHole({ position: before }: Logs, { position }: Logs): boolean {
  return position.gap !== null && lsnNumber(position.startLsn) >= lsnNumber(before.endLsn);
}

/** From the beginning of the one that begins first to the end of the second. */
function span(one: Logs, two: Logs): Logs {
  const first = lsnNumber(one.position.startLsn) <= lsnNumber(two.position.startLsn) ? one : two;
  const { startLsn, gap } = first.position;
  const ends = [
    Object.entries(first.position.segments).toSorted(byName).at(0),
    Object.entries(two.position.segments).toSorted(byName).at(-1),
  ];
  const segments = Object.fromEntries(ends.filter((each) => each !== undefined));
  const position = { ...two.position, startLsn, gap, segments };
  const coversUntil = [one, two]
    .flatMap(({ manifest }) => manifest.coversUntil ?? [])
    .toSorted((a, b) => microseconds(a) - microseconds(b))
    .at(-1);
  const { warnings } = first.manifest;
  return {
    manifest: { ...two.manifest, coversUntil: coversUntil ?? null, position, warnings, artifacts: [] },
    position,
  };
}

function byName([one]: readonly [string, string], [two]: readonly [string, string]): number {
  return one.localeCompare(two);
}
