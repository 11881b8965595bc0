/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { failed, notCompared, passed, some, type CheckName } from './checks.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName, type TableRows, type Unread } from './digests.ts';
import { identityOf, takeInventory } from './inventory.ts';

type Rows = Extract<MariadbEntry, { readonly entry: 'rows' }>;

const COMPARED = {
  database: 'databases',
  table: 'tables',
  routine: 'routines',
  event: 'events',
  user: 'users',
} as const satisfies Partial<Record<MariadbEntry['entry'], CheckName>>;

export interface Comparing {
  readonly connection: Connection;
  readonly inventory: readonly MariadbEntry[];
  /** Why checksums of rows here mean nothing; undefined where they do. */
  readonly otherRows: string | undefined;
  readonly signal: AbortSignal;
}

/** All comparisons, made by somebody who may see everything of the restored server. */
export async function compareWithInventory(comparing: Comparing): Promise<readonly Check[]> {
  const { connection, inventory, signal } = comparing;
  const found = new Set((await takeInventory(connection, signal)).map(identityOf));
  const kinds = ['database', 'table', 'routine', 'event', 'user'] as const;
  return [...kinds.map((kind) => compareEntries(kind, inventory, found)), await compareRows(comparing)];
}

function compareEntries(
  kind: keyof typeof COMPARED,
  inventory: readonly MariadbEntry[],
  found: ReadonlySet<string>,
): Check {
  const name = COMPARED[kind];
  const all = inventory.filter((entry) => entry.entry === kind);
  const expected = all.filter((entry) => entry['settled'] !== false);
  const missing = expected.filter((entry) => !found.has(identityOf(entry))).map(labelOf);
  const restless = all.length - expected.length;
  const aside = restless === 0 ? '' : `; ${restless} came or changed during the capture and were not compared`;
  if (missing.length > 0) {
    return failed(name, `${missing.length} of ${expected.length} are missing or differ: ${some(missing)}${aside}`);
  }
  return passed(name, `${expected.length} as in the inventory${aside}`);
}

function labelOf(entry: MariadbEntry): string {
  if (entry.entry === 'table') return `${tableName(entry)} (${entry.engine ?? entry.kind})`;
  if (entry.entry === 'rows' || entry.entry === 'routine' || entry.entry === 'event') return tableName(entry);
  return entry.entry === 'user' ? `${entry.name}@${entry.host}` : entry.name;
}

async function compareRows({ connection, inventory, otherRows, signal }: Comparing): Promise<Check> {
  const rows = inventory.filter((entry): entry is Rows => entry.entry === 'rows');
  if (otherRows !== undefined) return notCompared('rows', `rows not compared: ${otherRows}`);
  if (rows.length === 0) return notCompared('rows', 'rows not compared: the source has no check account, or no table');
  const stable = rows.filter((entry) => entry.stable);
  if (stable.length === 0) {
    return notCompared('rows', `rows not compared: all ${rows.length} tables were written to during the capture`);
  }
  const { tables, unread } = await digestRows(connection, signal);
  const restored = new Map(tables.map((table) => [tableName(table), table]));
  const different = stable.flatMap((entry) => differenceOf(entry, restored.get(tableName(entry)), unread));
  const restless = rows.length - stable.length;
  const rest = restless > 0 ? `; not compared: ${restless} written to during the capture` : '';
  if (different.length > 0) return failed('rows', `${different.length} tables differ: ${some(different)}${rest}`);
  const count = stable.reduce((sum, entry) => sum + entry.rows, 0);
  return passed('rows', `${stable.length} tables with ${count} rows are equal${rest}`);
}

function differenceOf(expected: Rows, found: TableRows | undefined, unread: readonly Unread[]): readonly string[] {
  const name = tableName(expected);
  if (!found) return [`${name} (${unread.find((table) => tableName(table) === name)?.why ?? 'not there'})`];
  if (found.rows !== expected.rows) return [`${name} (${found.rows} rows, ${expected.rows} in the source)`];
  return found.digest === expected.digest ? [] : [`${name} (same number of rows, other content)`];
}
