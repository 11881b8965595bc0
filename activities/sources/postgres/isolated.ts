/** What a private start on restored data needs to know: who may log in, and which settings. */
import { BackupError } from '../../../model/errors.ts';
import { inventoryHeader, postgresEntry, type PostgresEntry } from '../../../model/inventory.ts';
import type { BackupReader } from '../types.ts';
import type { Binaries } from './binaries.ts';
import { controlData } from './control.ts';
import { rolesOnDisk } from './roles-on-disk.ts';

/** @throws BackupError `verification-failed` where the artifact is damaged, `not-found` where it is gone. */
export async function readInventory(backup: BackupReader): Promise<readonly PostgresEntry[]> {
  // What a damaged artifact gives ends anywhere: nothing is parsed before all of it was right.
  const lines: string[] = [];
  for await (const line of backup.lines('inventory')) lines.push(line);
  const [header = '{}', ...entries] = lines;
  inventoryHeader.parse(JSON.parse(header));
  return entries.map((line) => postgresEntry.parse(JSON.parse(line)));
}

/** The inventory; or why it cannot be read, where the backup itself may be whole. */
export async function inventoryOrWhy(backup: BackupReader): Promise<readonly PostgresEntry[] | BackupError> {
  try {
    return await readInventory(backup);
  } catch (error) {
    if (error instanceof BackupError && (error.code === 'verification-failed' || error.code === 'not-found'))
      return error;
    throw error;
  }
}

/**
 * A role that may log in and look everywhere: by the inventory, and where that is damaged by the cluster's own files.
 * @throws BackupError `verification-failed` where there is none.
 */
export async function requireSuperuser(
  data: string,
  inventory: readonly PostgresEntry[] | BackupError,
): Promise<string> {
  const name = inventory instanceof BackupError ? await superuserOnDisk(data) : superuserOf(inventory);
  if (name !== undefined) return name;
  const options = inventory instanceof BackupError ? { cause: inventory } : {};
  throw new BackupError('verification-failed', 'No superuser of the cluster may log in.', options);
}

function superuserOf(inventory: readonly PostgresEntry[]): string | undefined {
  for (const entry of inventory) if (entry.entry === 'role' && entry.superuser && entry.login) return entry.name;
  return undefined;
}

async function superuserOnDisk(data: string): Promise<string | undefined> {
  return (await rolesOnDisk(data)).find(({ superuser, login }) => superuser && login)?.name;
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
    // Off, the server would throw away when each transaction was committed.
    track_commit_timestamp: control['track_commit_timestamp'] ?? 'off',
    // Triggers on login would run what production wrote.
    ...(binaries.major >= 17 ? { event_triggers: 'off' } : {}),
  };
}
