/**
 * Rows of transactional tables at one moment of the binary log. START TRANSACTION WITH CONSISTENT SNAPSHOT takes the
 * snapshot of InnoDB and the place in the binary log together, while no commit can come between; and CHECKSUM TABLE
 * reads by that snapshot. So what is summed is exactly what a replay of the log up to that place gives.
 */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import type { Connection } from './connection.ts';
import { digestOf, valuesOf, type Table, type TableRows, type Unread } from './digests.ts';
import { clientError } from './errors.ts';
import { clientProgram, fixed, identifier } from './session.ts';

export interface SnapshotRows {
  /** Where in the binary log the snapshot stands. */
  readonly file: string;
  readonly position: number;
  readonly tables: readonly Omit<TableRows, 'updated'>[];
  readonly unread: readonly Unread[];
}

export type TableName = Pick<Table, 'database' | 'name' | 'loose'>;

/** How long it waits for whoever has locked a table, in seconds. */
const LOCK_WAIT = 10;

const counted = z.object({ table: z.number(), rows: z.number(), values: z.string() });
const session = z.object({ session: z.number(), open: z.number() });

// Another connection, or none that is in a transaction any more, would read something else.
const SESSION = `SELECT JSON_OBJECT('session', CONNECTION_ID(), 'open', @@in_transaction)`;

/** Reads tables in one session. One that cannot be read is named. @throws BackupError where the session was lost. */
export async function readBySnapshot(
  connection: Connection,
  tables: readonly TableName[],
  signal: AbortSignal,
): Promise<SnapshotRows> {
  const statements = [
    fixed(LOCK_WAIT),
    'START TRANSACTION WITH CONSISTENT SNAPSHOT',
    "SHOW STATUS LIKE 'binlog_snapshot_%'",
    SESSION,
    ...tables.flatMap(({ database, name, loose }, table) => {
      const from = `${identifier(database)}.${identifier(name)}`;
      return [
        `SELECT JSON_OBJECT('table', ${table}, 'rows', COUNT(*), 'values', ${valuesOf(loose)}) FROM ${from}`,
        `CHECKSUM TABLE ${from} EXTENDED`,
      ];
    }),
    SESSION,
  ];
  // It goes on behind a table that fails; but a new connection in the middle would be in no snapshot.
  const program = clientProgram(connection, ['--force', '--skip-reconnect']);
  const input = `${statements.join(';\n')};\n`;
  try {
    const { stdout, stderr } = await runProgram(program, { signal, input });
    return understood(stdout.split('\n'), stderr, tables);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') throw clientError(error, connection);
    throw error;
  }
}

function understood(lines: readonly string[], stderr: string, tables: readonly TableName[]): SnapshotRows {
  const status = new Map<string, string>();
  const sessions: z.infer<typeof session>[] = [];
  const found = new Map<number, { readonly rows: number; readonly digest: string }>();
  let current: z.infer<typeof counted> | undefined;
  for (const line of lines) {
    const [, name, value] = /^Binlog_snapshot_(\w+)\t(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) status.set(name, value);
    else if (line.startsWith('{"session": ')) sessions.push(session.parse(JSON.parse(line)));
    else if (line.startsWith('{"table": ')) current = counted.parse(JSON.parse(line));
    else {
      // The name of a table may hold a tab or a line break: the sum is what is last.
      const checksum = /\t(\d+)$/.exec(line)?.[1];
      if (!current || checksum === undefined) continue;
      found.set(current.table, { rows: current.rows, digest: digestOf(checksum, current.values) });
      // The next may fail to be counted, and be summed all the same.
      current = undefined;
    }
  }
  const [begun, ended] = sessions;
  if (!begun || begun.session !== ended?.session || ended.open !== 1) {
    throw new BackupError('failed', `The session whose snapshot rows are read by was lost: ${stderr}`.trim());
  }
  const why = stderr.trim().split('\n').at(-1) ?? '';
  return {
    file: status.get('file') ?? '',
    position: Number(status.get('position') ?? 0),
    tables: tables.flatMap((table, index) => {
      const read = found.get(index);
      return read ? [{ database: table.database, name: table.name, ...read }] : [];
    }),
    unread: tables.filter((_table, index) => !found.has(index)).map(({ database, name }) => ({ database, name, why })),
  };
}
