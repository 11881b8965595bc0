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
import type { Manifest } from '../../model/manifest.ts';
import { formatReference } from '../../model/reference.ts';
import type { BackupReader } from './types.ts';

/** The export of one database. @throws BackupError `not-found` with those that there are. */
export function exportOf(manifest: Manifest, database: string): ExportArtifact {
  const all = exportsOf(manifest).filter((artifact) => artifact.export.scope === 'database');
  const found = all.find((artifact) => artifact.export.database === database);
  if (found) return found;
  const names = all.map((artifact) => artifact.export.database);
  throw new BackupError('not-found', `${formatReference(manifest)} holds no export of a database "${database}".`, {
    remedy: names.length > 0 ? `It holds: ${names.join(', ')}.` : 'It holds no exports at all.',
    facts: { reference: formatReference(manifest), database },
  });
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
