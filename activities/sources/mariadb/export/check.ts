/** The check of the exports of a backup: each alone must make its database again, on a new, private server. */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Check } from '../../../../model/evidence.ts';
import { exportsOf, type ExportArtifact, type ExportEntry } from '../../../../model/export.ts';
import type { MariadbEntry } from '../../../../model/inventory.ts';
import { requireSpace } from '../../../storage/space.ts';
import type { Work } from '../../../work.ts';
import { some } from '../../check-results.ts';
import { whileServerWorks } from '../../private-server/watch.ts';
import { hasList, listOf } from '../../stored-exports.ts';
import type { BackupReader, CheckContext } from '../../types.ts';
import { readInventory } from '../check.ts';
import type { Connection } from '../connection.ts';
import { digestRows, isSame, tableName } from '../digests.ts';
import { engine } from '../engine.ts';
import { apartFromOver, statelessIdentity, toldOver } from '../event-ends.ts';
import { compareVersions, seriesOf } from '../facts.ts';
import { takeInventory } from '../inventory.ts';
import { installedRelease } from '../programs.ts';
import { identifier, run } from '../session.ts';
import { loadExport, withEmptyServer } from './loaded.ts';

/** One result an export; none where the backup holds none. */
export async function checkExports(context: CheckContext<MariadbSource>): Promise<readonly Check[]> {
  const backup = context.chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const all = exportsOf(backup.manifest);
  if (all.length === 0) return [];
  const here = await installedRelease('mariadbd');
  const { version } = engine.parse(backup.manifest.engine);
  if (here === undefined || (seriesOf(here) !== seriesOf(version) && compareVersions(here, version) < 0)) {
    const why =
      here === undefined ? "the server's programs are not on this machine" : `the server here is ${here}, older`;
    return all.map((artifact) => result(artifact, { compared: false, ok: false, detail: `not compared: ${why}` }));
  }
  const largest = Math.max(...all.map(({ plainBytes }) => plainBytes));
  await requireSpace({ path: context.scratch, needed: 2 * largest });
  const inventory = await readInventory(backup);
  const list = hasList(backup.manifest) ? await listOf(backup, null) : [];
  const scratch = path.join(context.scratch, 'of-exports');
  await mkdir(scratch);
  // A service has a umask of 0077.
  await chmod(scratch, 0o711);
  return withEmptyServer({ backup, scratch, work: context.work }, async (connection, pid) => {
    const checks: Check[] = [];
    for (const artifact of all) {
      checks.push(
        await whileServerWorks({ pid, phase: `checking ${labelOf(artifact)}`, work: context.work }, (work) =>
          checkOne({
            backup,
            artifact,
            connection,
            inventory,
            list,
            work,
            sameSums: seriesOf(here) === seriesOf(version),
          }),
        ),
      );
    }
    return checks;
  });
}

interface Checking {
  readonly backup: BackupReader;
  readonly artifact: ExportArtifact;
  readonly connection: Connection;
  readonly inventory: readonly MariadbEntry[];
  /** Rows as they were beside the export. */
  readonly list: readonly ExportEntry[];
  /** Whether checksums here are those of the source's series. */
  readonly sameSums: boolean;
  readonly work: Work;
}

async function checkOne(checking: Checking): Promise<Check> {
  const { backup, artifact, connection, work } = checking;
  const database = artifact.export.database ?? '';
  try {
    await loadExport(backup, artifact, connection, work);
    return result(artifact, await compare(checking, database));
  } catch (error) {
    if (!(error instanceof BackupError) || !['program-failed', 'verification-failed', 'failed'].includes(error.code))
      throw error;
    return result(artifact, { compared: true, ok: false, detail: `it cannot be restored: ${error.message}` });
  } finally {
    await run(connection, `DROP DATABASE IF EXISTS ${identifier(database)}`, { signal: work.signal });
  }
}

/** What was there before and after the capture must come out of it; rows of tables that nobody wrote to while they were exported must be equal. */
async function compare(
  { connection, inventory, list, sameSums, work }: Checking,
  database: string,
): Promise<Pick<Check, 'compared' | 'ok' | 'detail'>> {
  const own = inventory.filter((entry) => 'database' in entry && entry.database === database);
  const named = own
    .filter((entry) => entry.entry === 'table' || entry.entry === 'routine' || entry.entry === 'event')
    .filter((entry) => entry['settled'] !== false);
  // Events do not run here, and are switched off in some releases when they are loaded: their status says nothing.
  const found = new Set((await takeInventory(connection, work.signal)).map(statelessIdentity));
  const { missing, over } = apartFromOver(
    named.filter((entry) => !found.has(statelessIdentity(entry))),
    found,
  );
  const stable = list.filter((entry) => entry.entry === 'rows').filter((entry) => entry.database === database);
  const { tables } = await digestRows(connection, work.signal);
  const restored = new Map(tables.map((table) => [tableName(table), table]));
  const different = stable.filter((entry) => {
    const table = restored.get(tableName(entry));
    return table?.rows !== entry.rows || (sameSums && !isSame(entry.digest, table.digest));
  });
  const problems = [
    ...missing.map((entry) => `${entry.name} (missing)`),
    ...different.map((entry) => {
      const rows = restored.get(tableName(entry))?.rows;
      return `${entry.name} (${rows === entry.rows ? 'same number of rows, other content' : `${rows ?? 'no'} rows, ${entry.rows} in the source`})`;
    }),
  ];
  if (problems.length > 0) return { compared: true, ok: false, detail: `${problems.length} differ: ${some(problems)}` };
  const rows = stable.reduce((sum, entry) => sum + entry.rows, 0);
  const said =
    stable.length > 0
      ? `${stable.length} tables with ${rows} rows are equal`
      : 'rows not compared: none were digested, or all were written to';
  return {
    compared: true,
    ok: true,
    detail: `restored into an empty server: ${named.length - over.length} objects as they were; ${said}${toldOver(over)}`,
  };
}

function result(artifact: ExportArtifact, found: Pick<Check, 'compared' | 'ok' | 'detail'>): Check {
  return { name: labelOf(artifact), ...found };
}

function labelOf({ export: { database } }: ExportArtifact): string {
  return `export of "${database ?? ''}"`;
}
