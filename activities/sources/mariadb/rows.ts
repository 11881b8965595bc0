/** Rows of a capture: digests before and after it, and which of them a restore must equal. */
import type { MariadbEntry } from '../../../model/inventory.ts';
import type { Warning } from '../../../model/manifest.ts';
import type { Work } from '../../work.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName, type Digests, type TableRows, type Unread } from './digests.ts';

/** At most so many paths are in a warning of a manifest. */
const NAMED = 100;

/** Digests as the check account reads them; undefined where there is no such account. */
export async function rowsOf(connection: Connection | undefined, work: Work): Promise<Digests | undefined> {
  if (!connection) return undefined;
  let tables = 0;
  const report = () => work.progress({ phase: 'reading rows', bytes: 0, total: null, activity: tables });
  // One table may take long: the server works, and the client says so by being there.
  const beat = setInterval(report, 1_000);
  try {
    return await digestRows(connection, work.signal, () => (tables += 1));
  } finally {
    clearInterval(beat);
  }
}

/**
 * Entries of all tables that were read twice. The backup's state lies between the two readings, so only a table
 * that was the same at both, and that nobody wrote to meanwhile, says what a restore must hold.
 */
export function rowEntries(before: Digests | undefined, after: Digests | undefined): readonly MariadbEntry[] {
  const earlier = new Map((before?.tables ?? []).map((table) => [tableName(table), table]));
  return (after?.tables ?? []).map((table) => {
    const { database, name, rows, digest } = table;
    return { entry: 'rows', database, name, rows, digest, stable: unchanged(earlier.get(tableName(table)), table) };
  });
}

function unchanged(before: TableRows | undefined, after: TableRows): boolean {
  if (before?.digest !== after.digest || before.rows !== after.rows) return false;
  // InnoDB forgets the time of a table that it puts out of its cache.
  return before.updated === null || after.updated === null || before.updated === after.updated;
}

/** Names the tables that could not be read, so that nobody takes them for compared. */
export function rowWarnings(before: Digests | undefined, after: Digests | undefined): readonly Warning[] {
  const unread = new Map<string, Unread>();
  for (const table of [...(before?.unread ?? []), ...(after?.unread ?? [])]) unread.set(tableName(table), table);
  const [first] = unread.values();
  if (!first) return [];
  const message = `${unread.size} tables could not be read by the check account, so their rows are not compared; the first: ${first.why}`;
  const paths = [...unread.keys()].slice(0, NAMED);
  return [{ code: 'mariadb.rows-not-compared', message, partial: false, paths }];
}
