/** When the disaster of a drill happened. */
import type { DrillInput } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { jitterOf } from '../../../model/timetable/phases.ts';
import { selectorOf } from '../../sources/index.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import type { Left } from './choose.ts';

/** What a place tells of when it was written to. */
type Seen = Pick<Left, 'catalogue' | 'points'>;
type Declared = Omit<DrillInput, 'host' | 'waits'>;

/** Milliseconds: so long before the end of the logs at most, the mistake was made. */
const NOTICED_WITHIN = 10 * 60_000;

/** Far behind all logs: what cannot be reached tells what can. */
const NEVER = '9999-01-01T00:00:00Z';

/**
 * When an attack began that was noticed now: at random, after the newest recovery point. What of it lies at the destinations does not matter: logs that
 * were shipped later are not trusted.
 */
function attackOf(places: readonly Seen[], { declared, runId }: Declared): string {
  const ends = Date.parse(declared);
  const created = places.flatMap(({ points }) => points.map((point) => Date.parse(point.created)));
  const earliest = Math.max(ends - NOTICED_WITHIN, ...created.filter((time) => time <= ends));
  return new Date(earliest + jitterOf(`${runId}/disaster`, Math.max(0, ends - earliest - 1))).toISOString();
}

/**
 * The declaration, where the disaster ends everything. Where it is noticed later, as a mistake or an attacker: the moment that was named, or one at
 * random that the logs of every source reach.
 * @throws BackupError `usage` for a moment that is still to come.
 */
export function disasterOf(places: readonly Seen[], input: Declared): string {
  const { scenario, declared, at, runId, steps } = input;
  if (scenario !== 'operator-error' && scenario !== 'ransomware') return declared;
  if (at !== null) {
    if (Date.parse(at) <= Date.parse(declared)) return at;
    throw new BackupError('usage', `the disaster at ${at} is still to come`, { remedy: 'Leave --at out.' });
  }
  if (scenario === 'ransomware') return attackOf(places, input);
  const names = new Set(steps.map(({ source }) => source));
  const reached = places
    .flatMap(({ catalogue }) => windowsOf(catalogue))
    .filter(({ source, from }) => names.has(source) && from <= declared)
    // Production goes on: what it has shipped since would not have been there.
    .map(({ source, from, until }) => ({ source, from, until: until > declared ? declared : until }));
  const last = Map.groupBy(reached, ({ source }) => source);
  const ends = [...last.values()].map((windows) => windows.toSorted((a, b) => byEnd(b, a))[0]).filter((one) => !!one);
  const [first] = ends.toSorted(byEnd);
  if (!first) return declared;
  const earliest = Math.max(Date.parse(first.from), Date.parse(first.until) - NOTICED_WITHIN);
  const room = Math.max(0, Date.parse(first.until) - earliest - 1);
  return new Date(earliest + jitterOf(`${runId}/disaster`, room)).toISOString();
}

interface Window {
  readonly source: string;
  readonly from: string;
  readonly until: string;
}

function byEnd(a: Window, b: Window): number {
  return a.until < b.until ? -1 : 1;
}

/** Until when the logs of each source reach, from the backups before them. */
function windowsOf(catalogue: readonly Catalogued[]): readonly Window[] {
  const bySource = Map.groupBy(
    catalogue.map(({ manifest }) => manifest),
    ({ source }) => source,
  );
  return [...bySource].flatMap(([source, manifests]) => {
    const logs = manifests.filter(({ kind }) => kind === 'logs');
    const bases = manifests.filter(({ kind }) => kind !== 'logs');
    return bases.flatMap((base): readonly Window[] => {
      const selection = selectorOf(base.type)?.(base, logs, { kind: 'time', time: NEVER });
      if (selection === undefined || selection.reached || selection.until === null) return [];
      return [{ source, from: selection.from, until: selection.until }];
    });
  });
}
