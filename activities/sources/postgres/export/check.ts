/**
 * The check of the exports of a backup: they alone must make their databases again. So they are restored into a new,
 * empty, private server, as they would be in years when nothing else is left, and all is compared with what their own
 * snapshot showed.
 */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Check } from '../../../../model/evidence.ts';
import { exportsOf, type ExportArtifact, type ExportEntry } from '../../../../model/export.ts';
import type { PostgresEntry } from '../../../../model/inventory.ts';
import { requireSpace } from '../../../storage/space.ts';
import { whileServerWorks } from '../../private-server/watch.ts';
import type { BackupReader, CheckContext } from '../../types.ts';
import { findBinaries, installRemedy, type Binaries } from '../binaries.ts';
import { readInventory } from '../isolated.ts';
import { restoredMajor } from '../engine.ts';
import { createCluster, startServer, type PrivateServer } from '../server.ts';
import { compareExport } from './compare.ts';
import { checkRoles } from './check-roles.ts';
import { loadArchive } from './load.ts';
import { listOf } from '../../stored-exports.ts';
import { createDatabase, dropDatabase } from './target.ts';

/** One result an export; none where the backup holds none. */
export async function checkExports(context: CheckContext<PostgresSource>): Promise<readonly Check[]> {
  const backup = context.chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const all = exportsOf(backup.manifest);
  if (all.length === 0) return [];
  const major = restoredMajor(backup.manifest);
  const binaries = await findBinaries(major, { program: 'postgres' });
  if (!binaries) {
    const why = `not compared: the server programs of PostgreSQL ${major} are not on this machine. ${installRemedy(major, 'postgres')}`;
    return all.map((artifact) => unseen(nameOf(artifact), why));
  }
  // Rows with their indexes take about twice what they take as text.
  const largest = Math.max(...all.map(({ plainBytes }) => plainBytes));
  await requireSpace({ path: context.scratch, needed: 2 * largest });
  const inventory = await readInventory(backup);
  return withEmptyServer(context, binaries, bootstrapOf(inventory), async (server) => {
    const checks: Check[] = [await checkRoles({ backup, inventory, server, binaries, work: context.work })];
    for (const artifact of all) {
      if (artifact.export.scope === 'tablespaces') checks.push(await readThrough(backup, artifact));
      if (artifact.export.scope === 'database')
        checks.push(await checkDatabase(context, { backup, artifact, server, binaries }));
    }
    return checks;
  });
}

/** The role that initdb makes, which no export can make. It is the first in an inventory. */
function bootstrapOf(inventory: readonly PostgresEntry[]): string {
  for (const entry of inventory) if (entry.entry === 'role') return entry.name;
  return 'postgres';
}

async function withEmptyServer<Result>(
  { scratch, work }: CheckContext<PostgresSource>,
  binaries: Binaries,
  superuser: string,
  use: (server: PrivateServer) => Promise<Result>,
): Promise<Result> {
  const folder = path.join(scratch, 'exports');
  const [data, runtime] = [path.join(folder, 'data'), path.join(folder, 'run')];
  await mkdir(folder);
  await chmod(folder, 0o711);
  for (const each of [data, runtime]) await mkdir(each, { mode: 0o700 });
  const { signal } = work;
  await createCluster({ data, binaries: binaries.folder, superuser, signal });
  const settings = {
    autovacuum: 'off',
    // All of it is thrown away afterwards.
    fsync: 'off',
    full_page_writes: 'off',
    jit: 'off',
    max_locks_per_transaction: '1024',
    max_wal_senders: '0',
    wal_level: 'minimal',
    max_logical_replication_workers: '0',
  };
  const server = await startServer({
    data,
    binaries: binaries.folder,
    superuser,
    runtime,
    isolated: true,
    settings,
    signal,
    work,
  });
  try {
    return await use(server);
  } finally {
    await server.stop('immediate');
  }
}

interface Checking {
  readonly backup: BackupReader;
  readonly artifact: ExportArtifact;
  readonly server: PrivateServer;
  readonly binaries: Binaries;
}

/** What this machine lacks, rather than the export: a locale, an extension. */
const NOT_HERE =
  /invalid (LC_|locale)|invalid.*locale name|ICU is not supported|extension "?.*"? is not available|could not open extension control file|shared_preload_libraries|could not access file/;

async function checkDatabase(
  { work }: CheckContext<PostgresSource>,
  { backup, artifact, server, binaries }: Checking,
): Promise<Check> {
  const name = nameOf(artifact);
  const database = artifact.export.database ?? '';
  const connection = { ...server.connection, database: 'mosaic_check' };
  const entries: readonly ExportEntry[] = await listOf(backup, database);
  try {
    return await whileServerWorks({ pid: server.pid, phase: `checking ${name}`, work }, async (work) => {
      await createDatabase(connection, artifact.export.made, work.signal);
      try {
        await loadArchive({ backup, artifact: artifact.name, binaries, connection, owners: true, work });
        return await compareExport({ name, connection, database, entries, work });
      } finally {
        await dropDatabase(connection, work.signal);
      }
    });
  } catch (error) {
    if (!(error instanceof BackupError) || !['failed', 'verification-failed'].includes(error.code)) throw error;
    if (NOT_HERE.test(error.message))
      return unseen(name, `not compared: this machine lacks what it needs: ${error.message}`);
    return { name, compared: true, ok: false, detail: `it cannot be restored: ${error.message}` };
  }
}

/** Never run: it names folders of production. */
async function readThrough(backup: BackupReader, artifact: ExportArtifact): Promise<Check> {
  await backup.into('export', artifact.name, { command: 'sh', args: ['-c', 'cat >/dev/null'] });
  return unseen(nameOf(artifact), 'not compared: read whole, but not run, since it names folders of the server');
}

/** `export of "shop"`, `export of roles`. */
export function nameOf({ export: { scope, database } }: ExportArtifact): string {
  return database === null ? `export of ${scope}` : `export of "${database}"`;
}

export function unseen(name: string, detail: string): Check {
  return { name, compared: false, ok: false, detail };
}
