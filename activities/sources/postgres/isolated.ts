/** What a private start on restored data needs: who may log in, which settings, and that no file of production's decides. */
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { inventoryHeader, postgresEntry, type PostgresEntry } from '../../../model/inventory.ts';
import type { BackupReader } from '../types.ts';
import type { Binaries } from './binaries.ts';
import { controlData } from './control.ts';

const AUTO_CONF = 'postgresql.auto.conf';

export async function readInventory(backup: BackupReader): Promise<readonly PostgresEntry[]> {
  const entries: PostgresEntry[] = [];
  let isHeader = true;
  for await (const line of backup.lines('inventory')) {
    if (isHeader) inventoryHeader.parse(JSON.parse(line));
    else entries.push(postgresEntry.parse(JSON.parse(line)));
    isHeader = false;
  }
  return entries;
}

/** A role that may log in and look everywhere. */
export function superuserOf(inventory: readonly PostgresEntry[]): string | undefined {
  for (const entry of inventory) if (entry.entry === 'role' && entry.superuser && entry.login) return entry.name;
  return undefined;
}

/** ALTER SYSTEM's file is read whatever config_file says, so it is out of the way while the server runs. */
export async function withoutAutoConf<Result>(data: string, use: () => Promise<Result>): Promise<Result> {
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
export async function isolatedSettings(
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
