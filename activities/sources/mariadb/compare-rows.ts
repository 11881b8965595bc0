/** The rows of a restored server against what was read of the source. */
import type { Check } from '../../../model/evidence.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { failed, notCompared, passed, some } from './checks.ts';
import type { Comparing } from './compare.ts';
import { isSame, tableName, type Digests, type TableRows, type Unread } from './digests.ts';

type Rows = Extract<MariadbEntry, { readonly entry: 'rows' }>;

export interface ComparedRows {
  readonly check: Check;
  /** Names of the tables that were compared. */
  readonly compared: ReadonlySet<string>;
}

/** Why such tables are left aside. */
export const VERSIONED_AT_LOAD = 'system versioned, so that its rows carry when the dump was loaded';

/** Tables of which anything can be said. Whatever was not looked at is named with its reason. */
export async function compareRows(
  {
    inventory,
    otherRows,
    moment,
    apart,
  }: Pick<Comparing, 'inventory' | 'otherRows' | 'moment'> & { readonly apart: ReadonlySet<string> },
  read: () => Promise<Digests>,
): Promise<ComparedRows> {
  const rows = inventory.filter((entry): entry is Rows => entry.entry === 'rows');
  if (otherRows !== undefined) return none(notCompared('rows', `rows not compared: ${otherRows}`));
  const unread = moment.reached ? moment.unread : moment.why;
  if (!moment.reached && moment.failed) return none(failed('rows', moment.why ?? ''));
  if (rows.length === 0) {
    const why = unread ?? 'the source has no check account, or no table';
    return none(notCompared('rows', `rows not compared: ${why}`));
  }
  const shown = rows.filter((entry) => entry.snapshot === true);
  const loose = rows.filter((entry) => entry.snapshot !== true);
  const known = [...(moment.reached ? shown : []), ...loose.filter((entry) => entry.stable)];
  const settled = known.filter((entry) => !apart.has(tableName(entry)));
  const versioned = known.filter((entry) => apart.has(tableName(entry))).map(tableName);
  const restless = loose.filter((entry) => !entry.stable).map(tableName);
  const aside = [
    ...(unread === null ? [] : [unread]),
    ...(restless.length === 0 ? [] : [`${some(restless)}: written to during the capture`]),
    ...(versioned.length === 0 ? [] : [`${some(versioned)}: ${VERSIONED_AT_LOAD}`]),
  ];
  const rest = aside.length > 0 ? `; not compared: ${aside.join('; ')}` : '';
  if (settled.length === 0) return none(notCompared('rows', `rows not compared${rest}`));
  const compared = new Set(settled.map(tableName));
  const found = await read();
  const restored = new Map(found.tables.map((table) => [tableName(table), table]));
  const different = settled.flatMap((entry) => differenceOf(entry, restored.get(tableName(entry)), found.unread));
  if (different.length > 0) {
    return { check: failed('rows', `${different.length} tables differ: ${some(different)}${rest}`), compared };
  }
  const count = settled.reduce((sum, entry) => sum + entry.rows, 0);
  return { check: passed('rows', `${settled.length} tables with ${count} rows are equal${rest}`), compared };
}

function none(check: Check): ComparedRows {
  return { check, compared: new Set() };
}

function differenceOf(expected: Rows, found: TableRows | undefined, unread: readonly Unread[]): readonly string[] {
  const name = tableName(expected);
  if (!found) return [`${name} (${unread.find((table) => tableName(table) === name)?.why ?? 'not there'})`];
  if (found.rows !== expected.rows) return [`${name} (${found.rows} rows, ${expected.rows} in the source)`];
  return isSame(expected.digest, found.digest) ? [] : [`${name} (same number of rows, other content)`];
}
