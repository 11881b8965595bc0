/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import type { Work } from '../../work.ts';
import { failed, notCompared, passed, some, type CheckName } from './checks.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName, type TableRows, type Unread } from './digests.ts';
import { gatherFacts } from './facts.ts';
import { identityOf, takeInventory } from './inventory.ts';
import { withSession } from './session.ts';

type Rows = Extract<PostgresEntry, { readonly entry: 'rows' }>;

const COMPARED = {
  database: 'databases',
  relation: 'relations',
  extension: 'extensions',
  role: 'roles',
} as const satisfies Partial<Record<PostgresEntry['entry'], CheckName>>;

/** SQLSTATE of a library that a type or function needs, and that this machine lacks. */
const UNDEFINED_FILE = '58P01';

/** All comparisons, made as superuser of the restored server. */
export async function compareWithInventory(
  connection: Connection,
  inventory: readonly PostgresEntry[],
  work: Work,
): Promise<readonly Check[]> {
  const facts = await withSession(connection, { application: 'mosaic-backup check', signal: work.signal }, gatherFacts);
  const found = new Set((await takeInventory(connection, facts, work.signal)).map(identityOf));
  const kinds = ['database', 'relation', 'extension', 'role'] as const;
  return [
    ...kinds.map((kind) => compareEntries(kind, inventory, found)),
    await compareRows(connection, inventory, work),
    collations(facts.databases),
  ];
}

function compareEntries(
  kind: keyof typeof COMPARED,
  inventory: readonly PostgresEntry[],
  found: ReadonlySet<string>,
): Check {
  const name = COMPARED[kind];
  const all = inventory.filter((entry) => entry.entry === kind);
  const expected = all.filter((entry) => entry['settled'] !== false);
  const missing = expected.filter((entry) => !found.has(identityOf(entry))).map(labelOf);
  const restless = all.length - expected.length;
  const aside = restless === 0 ? '' : `; ${restless} came or changed during the capture and were not compared`;
  if (missing.length > 0)
    return failed(name, `${missing.length} of ${expected.length} are missing or differ: ${some(missing)}${aside}`);
  return passed(name, `${expected.length} as in the inventory${aside}`);
}

function labelOf(entry: PostgresEntry): string {
  if (entry.entry === 'relation' || entry.entry === 'rows') return tableName(entry);
  return entry.entry === 'extension' ? `${entry.name} ${entry.version} in ${entry.database}` : entry.name;
}

async function compareRows(connection: Connection, inventory: readonly PostgresEntry[], work: Work): Promise<Check> {
  const rows = inventory.filter((entry): entry is Rows => entry.entry === 'rows');
  if (rows.length === 0) return notCompared('rows', 'rows not compared: the source has no check role');
  const stable = rows.filter((entry) => entry.stable);
  if (stable.length === 0) {
    return notCompared('rows', `rows not compared: all ${rows.length} tables were written to during the capture`);
  }
  const databases = [...new Set(stable.map(({ database }) => database))];
  const { tables, unread } = await digestRows(connection, databases, work.signal);
  const restored = new Map(tables.map((table) => [tableName(table), table]));
  const lacking = new Map(
    unread.filter(({ state }) => state === UNDEFINED_FILE).map((table) => [tableName(table), table]),
  );
  const readable = stable.filter((entry) => !lacking.has(tableName(entry)));
  const different = readable.flatMap((entry) => differenceOf(entry, restored.get(tableName(entry)), unread));
  const aside = [
    ...(rows.length > stable.length ? [`${rows.length - stable.length} written to during the capture`] : []),
    ...(lacking.size > 0
      ? [`${lacking.size} need a library that is missing here (${[...lacking.values()][0]?.why})`]
      : []),
  ];
  const rest = aside.length > 0 ? `; not compared: ${aside.join(', ')}` : '';
  if (different.length > 0) return failed('rows', `${different.length} tables differ: ${some(different)}${rest}`);
  if (readable.length === 0) return notCompared('rows', `rows not compared${rest}`);
  const count = readable.reduce((sum, entry) => sum + entry.rows, 0);
  return passed('rows', `${readable.length} tables with ${count} rows are equal${rest}`);
}

function differenceOf(expected: Rows, found: TableRows | undefined, unread: readonly Unread[]): readonly string[] {
  const name = tableName(expected);
  if (!found) return [`${name} (${unread.find((table) => tableName(table) === name)?.why ?? 'not there'})`];
  if (found.rows !== expected.rows) return [`${name} (${found.rows} rows, ${expected.rows} in the source)`];
  return found.digest === expected.digest ? [] : [`${name} (same number of rows, other content)`];
}

function collations(databases: Awaited<ReturnType<typeof gatherFacts>>['databases']): Check {
  const versioned = databases.filter(({ collationVersion }) => collationVersion !== null);
  const other = versioned.filter(({ collationVersion, actualVersion }) => collationVersion !== actualVersion);
  if (versioned.length === 0) return passed('collations', 'no database is sorted by a library whose version matters');
  if (other.length === 0)
    return passed('collations', `${versioned.length} databases, sorted by the version that is here`);
  const list = other.map(
    ({ name, collationVersion, actualVersion }) => `${name} (${collationVersion}, here ${actualVersion})`,
  );
  return failed('collations', `sorted by another collation version, REINDEX before use: ${some(list)}`);
}
