/** The rows of a restored server against what was read of the source. */
import type { Check } from '../../../model/evidence.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { failed, notCompared, passed, some } from './checks.ts';
import type { Comparing } from './compare.ts';
import { digestRows, tableName, type TableRows, type Unread } from './digests.ts';

type Rows = Extract<MariadbEntry, { readonly entry: 'rows' }>;

/** Tables of which anything can be said. Whatever was not looked at is named with its reason. */
export async function compareRows({ connection, inventory, otherRows, moment, signal }: Comparing): Promise<Check> {
  const rows = inventory.filter((entry): entry is Rows => entry.entry === 'rows');
  if (otherRows !== undefined) return notCompared('rows', `rows not compared: ${otherRows}`);
  const unread = moment.reached ? moment.unread : moment.why;
  if (!moment.reached && moment.failed) return failed('rows', moment.why ?? '');
  if (rows.length === 0) {
    return notCompared('rows', `rows not compared: ${unread ?? 'the source has no check account, or no table'}`);
  }
  const shown = rows.filter((entry) => entry.snapshot === true);
  const loose = rows.filter((entry) => entry.snapshot !== true);
  const settled = [...(moment.reached ? shown : []), ...loose.filter((entry) => entry.stable)];
  const restless = loose.filter((entry) => !entry.stable).map(tableName);
  const aside = [
    ...(unread === null ? [] : [unread]),
    ...(restless.length === 0 ? [] : [`${some(restless)}: written to during the capture`]),
  ];
  const rest = aside.length > 0 ? `; not compared: ${aside.join('; ')}` : '';
  if (settled.length === 0) return notCompared('rows', `rows not compared${rest}`);
  const found = await digestRows(connection, signal);
  const restored = new Map(found.tables.map((table) => [tableName(table), table]));
  const different = settled.flatMap((entry) => differenceOf(entry, restored.get(tableName(entry)), found.unread));
  if (different.length > 0) return failed('rows', `${different.length} tables differ: ${some(different)}${rest}`);
  const count = settled.reduce((sum, entry) => sum + entry.rows, 0);
  return passed('rows', `${settled.length} tables with ${count} rows are equal${rest}`);
}

function differenceOf(expected: Rows, found: TableRows | undefined, unread: readonly Unread[]): readonly string[] {
  const name = tableName(expected);
  if (!found) return [`${name} (${unread.find((table) => tableName(table) === name)?.why ?? 'not there'})`];
  if (found.rows !== expected.rows) return [`${name} (${found.rows} rows, ${expected.rows} in the source)`];
  return found.digest === expected.digest ? [] : [`${name} (same number of rows, other content)`];
}
