/**
 * The check of a restored cluster: a private start on it, comparison with the inventory, pg_amcheck. It happens in
 * place, since a copy would cost as much again as the restore: afterwards the folder is that of a cleanly stopped
 * server with the same data, its backup_label used up. Killed in the middle it is a crashed one.
 */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { inventoryHeader, postgresEntry, type PostgresEntry } from '../../../model/inventory.ts';
import { runProgram } from '../../streams/run.ts';
import type { Work } from '../../work.ts';
import type { BackupReader, CheckContext } from '../types.ts';
import { amcheck } from './amcheck.ts';
import { findBinaries, installRemedy, type Binaries } from './binaries.ts';
import { CHECKS, failed, noneCompared, passed } from './checks.ts';
import { compareWithInventory } from './compare.ts';
import { machine } from './engine.ts';
import { restoredMajor } from './restore.ts';
import { startServer, type PrivateServer, type ServerOptions } from './server.ts';
import { whileServerWorks } from './server-watch.ts';

const AUTO_CONF = 'postgresql.auto.conf';

const engine = z.looseObject({ arch: z.string().optional(), preloaded: z.string().optional() });

/** What was looked at, and what not and why. Fails only when it was cancelled or this machine cannot do it. */
export async function check(context: CheckContext<PostgresSource>): Promise<readonly Check[]> {
  const { chain, restored, scratch, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const major = restoredMajor(backup.manifest);
  const { arch, preloaded = '' } = engine.parse(backup.manifest.engine);
  if (arch !== undefined && arch !== '' && arch !== machine()) {
    return noneCompared(CHECKS, `not started: the data are ${arch}'s, and this machine is ${machine()}`);
  }
  const binaries = await findBinaries(major, { program: 'postgres' });
  if (!binaries) {
    const remedy = installRemedy(major, 'postgres');
    return noneCompared(
      CHECKS,
      `not started: the server programs of PostgreSQL ${major} are not on this machine. ${remedy}`,
    );
  }
  const inventory = await readInventory(backup);
  const superuser = superuserOf(inventory);
  if (superuser === undefined) return noneCompared(CHECKS, 'not started: no superuser of the cluster may log in');

  return withoutAutoConf(restored, async () => {
    const started = Date.now();
    const server = await startOrFail({
      data: restored,
      binaries: binaries.folder,
      superuser,
      runtime: scratch,
      isolated: true,
      settings: await settings(restored, binaries, work.signal),
      signal: work.signal,
      work,
    });
    if (server instanceof BackupError) {
      return [
        failed('start', server.message),
        ...noneCompared(CHECKS.slice(1), 'not compared: the server did not start'),
      ];
    }
    try {
      const took = ((Date.now() - started) / 1000).toFixed(1);
      const libraries = preloaded === '' ? '' : `; without the preloaded libraries ${preloaded}`;
      return [
        passed('start', `recovered and open for writing in ${took} s${libraries}`),
        ...(await lookInside(server, inventory, binaries, work)),
      ];
    } finally {
      await server.stop();
    }
  });
}

/** A server that does not start is a result of the check; whatever else goes wrong is not. */
async function startOrFail(options: ServerOptions): Promise<PrivateServer | BackupError> {
  try {
    return await startServer(options);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') return error;
    throw error;
  }
}

async function lookInside(
  server: PrivateServer,
  inventory: readonly PostgresEntry[],
  binaries: Binaries,
  work: Work,
): Promise<readonly Check[]> {
  // Settings that a database or a role was given must not load production's libraries either.
  const options = '-c session_preload_libraries= -c local_preload_libraries=';
  const connection = { ...server.connection, options };
  const { pid } = server;
  const compared = await whileServerWorks({ pid, phase: 'comparing', work }, (work) =>
    compareWithInventory(connection, inventory, work),
  );
  const sound = await whileServerWorks({ pid, phase: 'checking pages and indexes', work }, (work) =>
    amcheck(connection, binaries, work),
  );
  return [...compared, sound];
}

async function readInventory(backup: BackupReader): Promise<readonly PostgresEntry[]> {
  const entries: PostgresEntry[] = [];
  let isHeader = true;
  for await (const line of backup.lines('inventory')) {
    if (isHeader) inventoryHeader.parse(JSON.parse(line));
    else entries.push(postgresEntry.parse(JSON.parse(line)));
    isHeader = false;
  }
  return entries;
}

function superuserOf(inventory: readonly PostgresEntry[]): string | undefined {
  for (const entry of inventory) if (entry.entry === 'role' && entry.superuser && entry.login) return entry.name;
  return undefined;
}

/** ALTER SYSTEM's file is read whatever config_file says, so it is out of the way while the server runs. */
async function withoutAutoConf<Result>(data: string, use: () => Promise<Result>): Promise<Result> {
  const file = path.join(data, AUTO_CONF);
  const aside = `${file}.restored`;
  await rename(file, aside);
  try {
    return await use();
  } finally {
    await rm(file, { force: true });
    await rename(aside, file);
  }
}

/** Whatever starts by itself, writes elsewhere or reaches out is off; what recovery needs is as big as it was. */
async function settings(
  data: string,
  binaries: Binaries,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const control = await controlData(data, binaries, signal);
  return {
    archive_mode: 'off',
    autovacuum: 'off',
    cluster_name: 'mosaic-backup-check',
    // What is checked is thrown away or was verified file by file: a lost page is no loss.
    fsync: 'off',
    full_page_writes: 'off',
    jit: 'off',
    logging_collector: 'off',
    max_logical_replication_workers: '0',
    max_connections: '20',
    max_locks_per_transaction: control['max_locks_per_xact'] ?? '64',
    max_prepared_transactions: control['max_prepared_xacts'] ?? '0',
    max_worker_processes: '8',
    restart_after_crash: 'off',
    shared_preload_libraries: '',
    // Triggers on login would run what production wrote.
    ...(binaries.major >= 17 ? { event_triggers: 'off' } : {}),
  };
}

async function controlData(
  data: string,
  { folder }: Binaries,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const command = path.join(folder, 'pg_controldata');
  const { stdout } = await runProgram({ command, args: ['-D', data], env: { LC_ALL: 'C' } }, { signal });
  const lines = stdout.split('\n').map((line) => /^(.*?)(?: setting)?:\s+(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}
