/** Makes the benchmark's MariaDB, and runs it. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createDataFolder, startServer, type PrivateServer } from '../../../activities/sources/mariadb/server.ts';
import { run } from '../../../activities/sources/mariadb/session.ts';

const ROLES = new URL('../../../infra/roles/', import.meta.url);

/** As a production server, and as preflight wants one. */
const RUNNING = [
  '--log-bin=mysql-bin',
  '--server-id=1',
  '--binlog-format=ROW',
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--gtid-strict-mode=ON',
  '--innodb-log-file-size=256M',
] as const;

/** For loading: what is cut off is made anew. */
const LOADING = ['--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--sync-binlog=0'] as const;

/** Bytes that a row takes in the data folder: measured. */
const ROW_BYTES = 1_500;
/** Rows of one transaction: its undo log stays small. */
const BATCH = 50_000;

/** The account of the backup: a password, since the bench runs as whoever called it. */
export const PASSWORD = 'of a server that lives for a minute';

export interface MariadbOptions {
  /** An empty folder that the server's user can reach, or one that was made before. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Makes a server's data folder of about so many bytes, in one table, with the shipped account. */
export async function makeMariadb({
  folder,
  bytes,
  signal,
}: MariadbOptions & { readonly bytes: number }): Promise<void> {
  const data = path.join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await createDataFolder({ data, signal });
  const server = await startMariadb({ folder, signal }, LOADING);
  const { connection } = server;
  try {
    await run(connection, await readFile(new URL('mariadb.sql', ROLES), 'utf8'), { signal });
    await run(connection, `ALTER USER mosaic_backup@localhost IDENTIFIED BY '${PASSWORD}'`, { signal });
    await run(connection, `CREATE DATABASE shop; CREATE TABLE shop.documents ${COLUMNS}`, { signal });
    const rows = Math.round(bytes / ROW_BYTES);
    for (let first = 1; first <= rows; first += BATCH) {
      const last = Math.min(rows, first + BATCH - 1);
      await run(connection, `SET SESSION sql_log_bin = 0; ${insert(first, last)}`, { signal });
    }
  } finally {
    await server.stop();
  }
}

/** Starts one that was made before. */
export async function startMariadb(
  { folder, signal }: MariadbOptions,
  more: readonly string[] = [],
): Promise<PrivateServer> {
  const runtime = path.join(folder, 'run');
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  return startServer({ data: path.join(folder, 'data'), runtime, args: [...RUNNING, ...more], signal });
}

const COLUMNS = '(id INT PRIMARY KEY, title VARCHAR(200) NOT NULL, body TEXT NOT NULL)';

/** Half of a body are digests in hexadecimal digits, half are words that repeat: it compresses about three times. */
function insert(first: number, last: number): string {
  const noise = [1, 2, 3, 4].map((salt) => `SHA2(seq * 7 + ${salt}, 512)`);
  const words = "REPEAT(CONCAT(' order ', seq, ' was placed, paid and shipped;'), 14)";
  return `INSERT INTO shop.documents SELECT seq, MD5(seq), CONCAT(${noise.join(', ')}, ${words}) FROM shop.seq_${first}_to_${last}`;
}
