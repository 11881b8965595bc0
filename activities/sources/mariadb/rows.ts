/** Rows of a capture: by a snapshot where that can be, else before and after it, and which of them a restore must equal. */
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import type { Warning } from '../../../model/manifest.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Work } from '../../work.ts';
import type { CaptureContext } from '../types.ts';
import { captureBinlog, type Place } from './check-binlog.ts';
import type { Connection } from './connection.ts';
import { digestRows, listTables, tableName, type Digests, type Table, type TableRows, type Unread } from './digests.ts';
import type { Facts } from './facts.ts';
import { readBySnapshot } from './snapshot.ts';

/** At most so many paths are in a warning of a manifest. */
const NAMED = 100;

/** Code of the warning that says so. */
export const NOT_COMPARED = 'mariadb.rows-not-compared';

/** The engine whose tables a snapshot shows. */
export const TRANSACTIONAL = 'InnoDB';

/**
 * Digests of tables as the check account reads them, without a snapshot; undefined where there is no such account.
 * @param wanted tables that no snapshot will show.
 */
export async function rowsOf(
  connection: Connection | undefined,
  work: Work,
  wanted: (table: Table) => boolean,
): Promise<Digests | undefined> {
  if (!connection) return undefined;
  return whileReading(work, (onTable) => digestRows(connection, work.signal, onTable, wanted));
}

async function whileReading<Result>(work: Work, read: (onTable: () => void) => Promise<Result>): Promise<Result> {
  let tables = 0;
  const report = () => work.progress({ phase: 'reading rows', bytes: 0, total: null, activity: tables });
  // One table may take long: the server works, and the client says so by being there.
  const beat = setInterval(report, 1_000);
  try {
    return await read(() => (tables += 1));
  } finally {
    clearInterval(beat);
  }
}

/** Whether the log that a snapshot stands in has all changes, row by row: only then can a check come to where it stands. */
export function hasWholeBinlog({ settings: { LOG_BIN: log, BINLOG_FORMAT: format } }: Facts): boolean {
  return (log === 'ON' || log === '1') && format === 'ROW';
}

export interface SnapshotRead {
  readonly entries: readonly MariadbEntry[];
  readonly warnings: readonly Warning[];
}

/**
 * Reads the transactional tables by a snapshot, and puts the binary log from the backup's end up to it into the backup. That
 * it cannot be done is a warning and no failure: the backup itself is whole by then.
 */
export async function rowsBySnapshot(
  context: CaptureContext<MariadbSource>,
  {
    connection,
    checking,
    from,
  }: { readonly connection: Connection; readonly checking: Connection; readonly from: Place },
): Promise<SnapshotRead> {
  const { work } = context;
  try {
    const tables = (await listTables(checking, work.signal)).filter(({ engine }) => engine === TRANSACTIONAL);
    const names = tables.map(({ database, name, loose }) => ({ database, name, loose }));
    const read = await whileReading(work, () => readBySnapshot(checking, names, work.signal));
    const { file, position } = read;
    await captureBinlog(context, connection, from, { file, position });
    return {
      entries: [
        { entry: 'snapshot', file, position },
        ...read.tables.map(({ database, name, rows, digest }) => {
          return { entry: 'rows' as const, database, name, rows, digest, stable: false, snapshot: true };
        }),
      ],
      warnings: unreadWarnings(read.unread),
    };
  } catch (error) {
    stopIfCancelled(work.signal);
    // What the repository lacks would fail the rest of the capture too.
    if (!(error instanceof BackupError) || ['unreachable', 'no-space'].includes(error.code)) throw error;
    const message = `The rows of transactional tables are not compared: ${error.message}`;
    return { entries: [], warnings: [{ code: NOT_COMPARED, message, partial: false }] };
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
  return unreadWarnings([...(before?.unread ?? []), ...(after?.unread ?? [])]);
}

function unreadWarnings(all: readonly Unread[]): readonly Warning[] {
  const unread = new Map(all.map((table) => [tableName(table), table]));
  const [first] = unread.values();
  if (!first) return [];
  const message = `${unread.size} tables could not be read by the check account, so their rows are not compared; the first: ${first.why}`;
  const paths = [...unread.keys()].slice(0, NAMED);
  return [{ code: NOT_COMPARED, message, partial: false, paths }];
}
