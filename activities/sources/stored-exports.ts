/** The exports of a stored backup: which there are, and what they list. */
import { BackupError } from '../../model/errors.ts';
import {
  EXPORT_LIST_ROLE,
  exportEntry,
  exportListHeader,
  exportsOf,
  type ExportArtifact,
  type ExportEntry,
} from '../../model/export.ts';
import { nearest } from '../../model/config/nearest.ts';
import type { Manifest } from '../../model/manifest.ts';
import { formatReference } from '../../model/reference.ts';
import type { BackupReader } from './types.ts';

/** The export of one database. @throws BackupError `not-found` with those that there are. */
export function exportOf(manifest: Manifest, database: string): ExportArtifact {
  const all = exportsOf(manifest).filter((artifact) => artifact.export.scope === 'database');
  const found = all.find((artifact) => artifact.export.database === database);
  if (found) return found;
  const names = all.flatMap((artifact) => artifact.export.database ?? []);
  throw new BackupError('not-found', `${formatReference(manifest)} holds no export of a database "${database}".`, {
    remedy: names.length > 0 ? thereAre(database, names, 'databases') : 'It holds no exports at all.',
    facts: { reference: formatReference(manifest), database },
  });
}

/** What an export lacks that somebody asked for. */
export function noSuchTable({
  database,
  table,
  tables,
  spellings = [],
}: {
  readonly database: string;
  readonly table: string;
  /** All that it holds, as people write them. */
  readonly tables: readonly string[];
  /** Other ways to write them. */
  readonly spellings?: readonly string[];
}): BackupError {
  return new BackupError('not-found', `The export of "${database}" holds no table ${table}. Nothing was changed.`, {
    remedy: tables.length > 0 ? thereAre(table, tables, 'tables', spellings) : 'It holds no tables at all.',
    facts: { database, table },
  });
}

/** The name that was meant, or all of them, where a screen holds them. */
function thereAre(wanted: string, names: readonly string[], what: string, spellings: readonly string[] = []): string {
  const near = nearest(wanted, [...names, ...spellings]);
  if (near !== undefined) return `Did you mean ${near}?`;
  const more = names.length - SHOWN;
  return `It holds the ${what} ${names.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

const SHOWN = 40;

/** Where the server failed behind its exports, they stand without a list. */
export function hasList({ artifacts }: Pick<Manifest, 'artifacts'>): boolean {
  return artifacts.some(({ role }) => role === EXPORT_LIST_ROLE);
}

/** The list of one database, or of all. */
export async function listOf(backup: BackupReader, database: string | null): Promise<readonly ExportEntry[]> {
  const entries: ExportEntry[] = [];
  let isHeader = true;
  for await (const line of backup.lines(EXPORT_LIST_ROLE)) {
    const value: unknown = JSON.parse(line);
    if (isHeader) exportListHeader.parse(value);
    else {
      const entry = exportEntry.parse(value);
      if (database === null || entry.database === database) entries.push(entry);
    }
    isHeader = false;
  }
  return entries;
}
