/** The rows of a restored server against what the source's snapshots showed. */
import type { Check } from '../../../model/evidence.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import type { Work } from '../../work.ts';
import { failed, notCompared, passed, some } from './checks.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName, type Digests, type TableRows, type Unread } from './digests.ts';
import { keyOf, tablesApart, type Apart } from './moment/apart.ts';
import type { Recovery } from './moment/recover.ts';
import { APPLICATION } from './preflight.ts';
import { withSession } from './session.ts';

type Rows = Extract<PostgresEntry, { readonly entry: 'rows' }>;

/** SQLSTATE of a library that a type or function needs, and that this machine lacks. */
const UNDEFINED_FILE = '58P01';

export interface ComparingRows {
  /** As superuser of the server, which has been recovered to the moment. */
  readonly connection: Connection;
  readonly inventory: readonly PostgresEntry[];
  readonly recovery: Recovery;
  /** Databases that are read besides those whose rows are known. */
  readonly also: readonly string[];
  readonly work: Work;
}

export interface ComparedRows {
  readonly check: Check;
  /** Names of the tables that were compared. */
  readonly compared: ReadonlySet<string>;
  /** What was read for it. */
  readonly found: Digests;
}

/** Tables of which anything can be said. Whatever was not looked at is named with its reason. */
export async function compareRows({
  connection,
  inventory,
  recovery,
  also,
  work,
}: ComparingRows): Promise<ComparedRows> {
  const rows = inventory.filter((entry): entry is Rows => entry.entry === 'rows');
  const aside: string[] = recovery.unread === null ? [] : [recovery.unread];
  const settled: Rows[] = [];
  for (const [database, entries] of Map.groupBy(rows, (entry) => entry.database)) {
    const apart = await withSession(
      connection,
      { application: APPLICATION, database, signal: work.signal },
      (session) => tablesApart(session, recovery, database),
    );
    const known = entries.filter((entry) => !isApart(entry, apart));
    settled.push(...known);
    if (apart.all !== null) aside.push(`all ${entries.length} of ${database}: ${apart.all}`);
    else if (known.length < entries.length) {
      const names = entries.filter((entry) => isApart(entry, apart)).map(tableName);
      aside.push(`${some(names)}: written to just when the snapshot was taken`);
    }
  }
  const databases = [...new Set([...settled.map(({ database }) => database), ...also])];
  const found = await digestRows(connection, databases, work.signal);
  const { tables, unread } = found;
  const restored = new Map(tables.map((table) => [tableName(table), table]));
  const lacking = new Map(
    unread.filter(({ state }) => state === UNDEFINED_FILE).map((table) => [tableName(table), table]),
  );
  if (lacking.size > 0) {
    aside.push(`${lacking.size} need a library that is missing here (${[...lacking.values()][0]?.why})`);
  }
  const readable = settled.filter((entry) => !lacking.has(tableName(entry)));
  const check = judge(readable, restored, unread, aside);
  return { check, compared: new Set(readable.map(tableName)), found };
}

function judge(
  readable: readonly Rows[],
  restored: ReadonlyMap<string, TableRows>,
  unread: readonly Unread[],
  aside: readonly string[],
): Check {
  const different = readable.flatMap((entry) => differenceOf(entry, restored.get(tableName(entry)), unread));
  const rest = aside.length > 0 ? `; not compared: ${aside.join('; ')}` : '';
  if (different.length > 0) return failed('rows', `${different.length} tables differ: ${some(different)}${rest}`);
  if (readable.length === 0) return notCompared('rows', `rows not compared${rest || ': there are no tables'}`);
  const count = readable.reduce((sum, entry) => sum + entry.rows, 0);
  return passed('rows', `${readable.length} tables with ${count} rows are equal${rest}`);
}

function isApart(entry: Rows, apart: Apart): boolean {
  return apart.all !== null || apart.tables.has(keyOf(entry));
}

function differenceOf(expected: Rows, found: TableRows | undefined, unread: readonly Unread[]): readonly string[] {
  const name = tableName(expected);
  if (!found) return [`${name} (${unread.find((table) => tableName(table) === name)?.why ?? 'not there'})`];
  if (found.rows !== expected.rows) return [`${name} (${found.rows} rows, ${expected.rows} in the source)`];
  return found.digest === expected.digest ? [] : [`${name} (same number of rows, other content)`];
}
