/** Whether an export holds the tables that were asked for, before anything of it is fetched. */
import { BackupError } from '../../../../model/errors.ts';
import type { ExportEntry } from '../../../../model/export.ts';
import { hasList, listOf, noSuchTable } from '../../stored-exports.ts';
import type { BackupReader } from '../../types.ts';

/** @throws BackupError `not-found` with the nearest name or all, `usage` for a view. */
export async function requireListed(backup: BackupReader, database: string, tables: readonly string[]): Promise<void> {
  // Where the list could not be written, the export itself tells, once it was read.
  if (!hasList(backup.manifest)) return;
  const contents = (await listOf(backup, database)).filter((entry) => entry.entry === 'object');
  if (contents.length > 0) for (const table of tables) requireTable(contents, database, table);
}

function requireTable(
  contents: readonly Extract<ExportEntry, { readonly entry: 'object' }>[],
  database: string,
  table: string,
): void {
  const found = contents.find(({ name }) => name === table);
  if (found?.kind === 'view') {
    throw new BackupError('usage', `${table} of "${database}" is a view: only tables are restored one by one.`, {
      remedy: 'Restore the whole database into a new one (--into "… database=NEW"), and SHOW CREATE VIEW there.',
    });
  }
  if (found) return;
  const tables = contents.filter(({ kind }) => kind !== 'view').map(({ name }) => name);
  throw noSuchTable({ database, table, tables });
}
