/** Makes the benchmark's cluster, and runs it. */
import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { userInfo } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text as allOf } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { requireBinaries, type Binaries } from '../../../activities/sources/postgres/binaries.ts';
import { createCluster, startServer, type PrivateServer } from '../../../activities/sources/postgres/server.ts';
import { provideProgramsOf } from '../../support/postgres-programs.ts';
import { copyLines, tables, type Table } from './tables.ts';

export const SUPERUSER = 'postgres';
export const BACKUP_ROLE = 'mosaic_backup';

const ROLES = new URL('../../../infra/roles/', import.meta.url);
/** The oldest version that is asked for; any newer one on the machine will do. */
const OLDEST = 13;

/** Rows are loaded without WAL, which needs settings that a server which is backed up must not have. */
const LOADING = { wal_level: 'minimal', max_wal_senders: '0', fsync: 'off', maintenance_work_mem: '256MB' };
/** As a production server, but nothing may write by itself while others are measured. */
export const RUNNING = {
  wal_level: 'replica',
  max_slot_wal_keep_size: '4GB',
  autovacuum: 'off',
  shared_buffers: '128MB',
};

export function serverBinaries(): Promise<Binaries> {
  return requireBinaries(OLDEST, { program: 'initdb', newer: true });
}

/** Of a version that Debian lacks: from the cache of the set-up. */
export async function cachedBinaries(major: number): Promise<Binaries> {
  await provideProgramsOf(major);
  return requireBinaries(major, { program: 'initdb' });
}

export interface ClusterOptions {
  /** An empty folder that the server's user can reach, or one that was made before. */
  readonly folder: string;
  readonly binaries: Binaries;
  readonly signal: AbortSignal;
}

/** Makes a cluster of about so many bytes with the shipped role and access lines; with 0, an empty one. */
export async function makeCluster(
  options: ClusterOptions & { readonly bytes: number; readonly onProgress: (table: string) => void },
): Promise<void> {
  const { folder, binaries, signal, bytes, onProgress } = options;
  const data = path.join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await createCluster({ data, binaries: binaries.folder, superuser: SUPERUSER, signal });
  await admit(data);
  const server = await startCluster(options, LOADING);
  try {
    await psql(binaries, server, ['-f', new URL('postgres.sql', ROLES).pathname], signal);
    if (bytes > 0) {
      await psql(binaries, server, ['-c', 'CREATE DATABASE shop'], signal);
      for (const table of tables()) {
        onProgress(table.name);
        await load(table, Math.round((bytes * table.share) / table.rowBytes), { binaries, server, signal });
      }
      await psql(binaries, server, ['-d', 'shop', '-c', 'VACUUM (FREEZE, ANALYZE)'], signal);
    }
  } finally {
    await server.stop();
  }
}

/** Starts a cluster that was made before. */
export async function startCluster(
  { folder, binaries, signal }: ClusterOptions,
  settings: Readonly<Record<string, string>> = RUNNING,
): Promise<PrivateServer> {
  const runtime = path.join(folder, 'run');
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  const data = path.join(folder, 'data');
  return startServer({ data, binaries: binaries.folder, superuser: SUPERUSER, runtime, settings, signal });
}

/** Runs psql as superuser. */
export async function psql(
  { folder }: Binaries,
  { socket, port }: Pick<PrivateServer, 'socket' | 'port'>,
  args: readonly string[],
  signal: AbortSignal,
  input: Iterable<Buffer> = [],
): Promise<void> {
  const fixed = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', socket, '-p', String(port), '-U', SUPERUSER];
  const child = spawn(path.join(folder, 'psql'), [...fixed, ...args], { stdio: ['pipe', 'ignore', 'pipe'], signal });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const complaint = allOf(child.stderr);
  const [code, problem, fed] = await Promise.allSettled([
    ended,
    complaint,
    pipeline(Readable.from(input), child.stdin),
  ]);
  if (code.status === 'rejected') throw code.reason;
  // Where psql fails it also stops reading; why is on its stderr.
  if (code.value !== 0) throw new Error(`psql: ${problem.status === 'fulfilled' ? problem.value.trim() : code.value}`);
  if (fed.status === 'rejected') throw fed.reason;
}

async function load(
  table: Table,
  rows: number,
  {
    binaries,
    server,
    signal,
  }: { readonly binaries: Binaries; readonly server: PrivateServer; readonly signal: AbortSignal },
): Promise<void> {
  const { name, columns, indexes } = table;
  const definitions = columns.map((column) => column.replace(/ STORAGE \w+/, ''));
  const storage = columns.flatMap((column) => {
    const [, field, kind] = /^(\w+).* STORAGE (\w+)$/.exec(column) ?? [];
    return field ? [`ALTER TABLE ${name} ALTER ${field} SET STORAGE ${kind}`] : [];
  });
  const statements = [
    // Made in the same transaction, so that COPY may leave out the WAL and freeze the rows.
    `CREATE TABLE ${name} (${definitions.join(', ')})`,
    ...storage,
    `COPY ${name} FROM STDIN WITH (FREEZE)`,
    ...indexes.map((index) =>
      index.startsWith('INDEX') ? `CREATE INDEX ON ${name} ${index.slice(6)}` : `ALTER TABLE ${name} ADD ${index}`,
    ),
  ];
  const args = ['-d', 'shop', '-1', ...statements.flatMap((statement) => ['-c', statement])];
  await psql(binaries, server, args, signal, copyLines(table, rows));
}

/** The access lines that infra/roles tells operators to add, and for the user of this bench where it is not root. */
async function admit(data: string): Promise<void> {
  const hba = await readFile(new URL('postgres-pg_hba.conf', ROLES), 'utf8');
  await writeFile(path.join(data, 'pg_hba.conf'), `local all ${SUPERUSER} trust\n${hba}`);
  const ident = path.join(data, 'pg_ident.conf');
  await copyFile(new URL('postgres-pg_ident.conf', ROLES), ident);
  const { username } = userInfo();
  if (username !== 'root') await appendFile(ident, `mosaic ${username} ${BACKUP_ROLE}\n`);
}
