/**
 * Which backup a restore test takes, and from where. In turn: whatever tier at whatever place was tested longest ago comes first, so that each
 * is proven in time; and of it now the newest, now one at random, now the oldest. Pure.
 */
import type { Verified } from '../evidence.ts';
import type { PinnedReference } from '../reference.ts';
import { TIERS, type Tier } from '../source.ts';
import { jitterOf } from '../timetable/phases.ts';

/** A backup that can be restored from a place. */
export interface Provable {
  readonly backup: PinnedReference;
  readonly tier: Tier;
  /** RFC 3339. */
  readonly scheduled: string;
  /** A destination; null is the repository. */
  readonly place: string | null;
}

/** Which of its turn it is. */
export const WAYS = ['newest', 'random', 'oldest'] as const;
export type Way = (typeof WAYS)[number];

export interface Choice extends Provable {
  readonly way: Way;
}

/** What is said of a test that was made: of which backup, where, when. */
export type Tested = Pick<Verified, 'backup' | 'destination' | 'time'>;

/**
 * @param tests restore tests and drills of the source, at all places, in any order.
 * @param seed the same one chooses the same.
 * @returns null where there is nothing to restore.
 */
export function chooseProof(provable: readonly Provable[], tests: readonly Tested[], seed: string): Choice | null {
  const turns = Map.groupBy(provable, turnOf);
  const [next] = [...turns.values()]
    .map((all) => ({ all, tested: testsOf(all, tests) }))
    .toSorted((a, b) => compare(lastOf(a.tested), lastOf(b.tested)) || byRank(a.all, b.all));
  if (!next) return null;
  const byAge = next.all.toSorted((a, b) => compare(b.scheduled, a.scheduled));
  const way = WAYS[next.tested.length % WAYS.length] ?? 'newest';
  const chosen = byAge[indexOf(way, byAge.length, seed)];
  return chosen ? { ...chosen, way } : null;
}

function indexOf(way: Way, count: number, seed: string): number {
  if (way === 'newest' || count === 1) return 0;
  // Never the newest: that has a turn of its own.
  return way === 'oldest' ? count - 1 : 1 + jitterOf(seed, count - 2);
}

function turnOf({ tier, place }: Pick<Provable, 'tier' | 'place'>): string {
  return `${tier}/${place ?? ''}`;
}

/** Those of a turn: a backup that is deleted since was of its tier all the same. */
function testsOf(all: readonly Provable[], tests: readonly Tested[]): readonly Tested[] {
  const turns = new Set(all.map(turnOf));
  return tests.filter(({ backup, destination }) =>
    turns.has(`${backup.reference.split('/', 1)[0] ?? ''}/${destination ?? ''}`),
  );
}

/** Before all times where there was none. */
function lastOf(tests: readonly Tested[]): string {
  return tests.reduce((last, { time }) => (time > last ? time : last), '');
}

/** Of two that are due alike: what is made more often first, and copies before the repository, which runs verify. */
function byRank([a]: readonly Provable[], [b]: readonly Provable[]): number {
  if (!a || !b) return 0;
  return (
    TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) ||
    Number(a.place === null) - Number(b.place === null) ||
    compare(a.place ?? '', b.place ?? '')
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
