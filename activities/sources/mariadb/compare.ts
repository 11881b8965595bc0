/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { failed, passed, some, type CheckName } from './checks.ts';
import { compareRows } from './compare-rows.ts';
import type { Connection } from './connection.ts';
import { tableName } from './digests.ts';
import { identityOf, takeInventory } from './inventory.ts';
import type { Moment } from './moment.ts';

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
  /** Whether the data are where the snapshot stood by which rows were read. */
  readonly moment: Moment;
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
  if (entry.entry === 'snapshot') return entry.file;
  if (entry.entry === 'rows' || entry.entry === 'routine' || entry.entry === 'event') return tableName(entry);
  return entry.entry === 'user' ? `${entry.name}@${entry.host}` : entry.name;
}
