/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { RedisEntry } from '../../../model/inventory.ts';
import { failed, notCompared, passed } from './checks.ts';
import type { Database } from './facts.ts';
import type { Window } from './inventory.ts';
import type { Info } from './taken.ts';
import type { RdbCounts } from './tools.ts';

/** What an inventory says, in the form that comparisons want. */
export interface Expected {
  readonly databases: readonly Database[];
  readonly libraries: number;
  readonly window: Window;
}

export function expectedOf(inventory: readonly RedisEntry[]): Expected {
  const window = inventory.find((entry) => entry.entry === 'window');
  return {
    databases: inventory.filter((entry) => entry.entry === 'database'),
    libraries: inventory.find((entry) => entry.entry === 'functions')?.libraries ?? 0,
    window: window ?? { changes: null, lapsed: 0 },
  };
}

/**
 * Keys without a TTL, database by database. Each write between counting and snapshot adds or takes away one at most, so
 * the number of writes is exactly how far the counts may be apart; with none they must be equal. (SWAPDB alone moves
 * more, in one write.)
 */
export function compareDatabases(
  { databases, window: { changes } }: Expected,
  { databases: found }: Pick<Info, 'databases'>,
): Check {
  const indexes = [...new Set([...databases, ...found].map(({ index }) => index))].toSorted((a, b) => a - b);
  const pairs = indexes.map((index) => ({
    index,
    expected: lasting(databases, index),
    restored: lasting(found, index),
  }));
  const differ = pairs.filter(({ expected, restored }) =>
    changes === null ? expected > 0 && restored === 0 : Math.abs(restored - expected) > changes,
  );
  const told = differ.map(({ index, expected, restored }) => `database ${index} has ${restored}, not ${expected}`);
  const within = changes === null || changes === 0 ? '' : `; ${changes} writes during the capture are allowed for`;
  if (differ.length > 0) return failed('databases', `keys without a TTL: ${told.join(', ')}${within}`);
  if (changes === null)
    return notCompared(
      'databases',
      'not compared: the server saved meanwhile, so that nobody counted the writes; none is empty',
    );
  const total = pairs.reduce((sum, { restored }) => sum + restored, 0);
  return passed('databases', `${total} keys without a TTL in ${pairs.length} databases, as in the inventory${within}`);
}

/** In words, how a dump that no server has loaded differs: its keys without a TTL, whatever their database. Leeway as in `compareDatabases`. */
export function whyOther(
  { databases, window: { changes } }: Expected,
  { keys, expires }: RdbCounts,
): string | undefined {
  const expected = databases.reduce((sum, { index }) => sum + lasting(databases, index), 0);
  const found = keys - expires;
  const differs = changes === null ? expected > 0 && found === 0 : Math.abs(found - expected) > changes;
  return differs ? `the dump has ${found} keys without a TTL, not ${expected}` : undefined;
}

/** Keys with a TTL, apart: they go with time. In the file they all are; in the server those whose time is over are gone. */
export function compareExpiring(
  { databases, window }: Expected,
  restored: Pick<Info, 'databases'>,
  file: RdbCounts | undefined,
): Check {
  const expected = expiring(databases);
  const left = expiring(restored.databases);
  if (window.changes === null) return notCompared('expiring keys', 'not compared: the server saved meanwhile');
  const leeway = window.changes + window.lapsed;
  // Out of append-only files those whose time is over come back, until the server finds them: the file knows better.
  const now = `${file ? file.expires - file.expired : left} of ${expected} have not come to the end of their TTL yet`;
  if (file && Math.abs(file.expires - expected) > leeway)
    return failed('expiring keys', `the file has ${file.expires} keys with a TTL, not ${expected}`);
  if (left > expected + leeway) return failed('expiring keys', `${left} keys have a TTL, not ${expected}`);
  if (file) return passed('expiring keys', `all ${expected} keys with a TTL are in the file; ${now}`);
  return passed('expiring keys', now);
}

export function compareFunctions(
  { libraries, window: { changes } }: Expected,
  { libraries: found }: Pick<Info, 'libraries'>,
): Check {
  if (changes === null || Math.abs(found - libraries) <= changes) {
    if (found !== libraries)
      return notCompared('functions', `${found} libraries of functions, ${libraries} when counted`);
    return passed('functions', `${found} libraries of functions`);
  }
  return failed('functions', `${found} libraries of functions, not ${libraries}`);
}

function lasting(databases: readonly Database[], index: number): number {
  const found = databases.find((database) => database.index === index);
  return found ? found.keys - found.expires : 0;
}

function expiring(databases: readonly Database[]): number {
  return databases.reduce((sum, { expires }) => sum + expires, 0);
}
