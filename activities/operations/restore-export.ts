/** The restore of one database or table out of a backup's export, into a running server. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import { EXPORT_LIST_ROLE, EXPORT_ROLE } from '../../model/export.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { SourceType } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { adapterFor } from '../sources/index.ts';
import type { ExportPlan, ExportTarget } from '../sources/types.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { withScratch } from '../storage/scratch.ts';
import type { Store } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { whileReading } from './being-read.ts';
import { requireOwnServer } from './own-server.ts';
import { openBackup } from './reader.ts';
import { objectsOf } from './thaw/objects.ts';
import { requireThawed } from './thaw/require.ts';

export interface RestoreExportRequest {
  readonly site: Site;
  /** Where the backup is read from. */
  readonly store: Store;
  readonly backup: Catalogued;
  readonly database: string;
  /** The whole database when empty. */
  readonly tables: readonly string[];
  readonly into: ExportTarget;
  readonly replace: boolean;
  readonly owners: boolean;
  /** For what cannot be streamed; the system's folder for such when absent. */
  readonly scratch?: string;
  /** What an attempt before this one, which was cut off, had noted. */
  readonly earlier?: unknown;
  readonly work: Work;
}

/** Scratch of exports. */
export const EXPORTS = 'mosaic-export-';

/**
 * Makes the plan, hands it over, and wipes what it needed afterwards.
 * @throws BackupError what the plan or its carrying out fails with; `usage` where backups of the type hold no exports.
 */
export async function withExportPlan<T>(
  request: RestoreExportRequest,
  use: (plan: ExportPlan) => Promise<T>,
): Promise<T> {
  const { site, store, backup, database, tables, into, replace, owners, earlier, work } = request;
  const { manifest } = backup;
  const adapter = adapterFor(manifest.type);
  requireOwnServer(site, manifest.source, into.settings);
  const read = manifest.artifacts.filter(({ role }) => role === EXPORT_ROLE || role === EXPORT_LIST_ROLE);
  await requireThawed(store, { chain: [backup], objects: objectsOf(backup, read) });
  const within = path.resolve(request.scratch ?? tmpdir());
  const config = configOf(site, manifest);
  return whileReading({ site, backups: [backup], work }, async () => {
    const reader = await openBackup({ site, store, backup, work });
    return withScratch(within, EXPORTS, async (scratch) => {
      const asked = { backup: reader, database, tables, into, config, replace, owners, scratch, earlier, work };
      if (adapter.withExportPlan) return adapter.withExportPlan(asked, use);
      throw noExports(adapter.type);
    });
  });
}

/** @throws BackupError `usage` where no backup of a type can ever hold an export, with what is done instead. */
export function requireExports(type: SourceType): void {
  if (!adapterFor(type).withExportPlan) throw noExports(type);
}

/** How one part of such a backup is had. */
const INSTEAD: Readonly<Partial<Record<SourceType, string>>> = {
  files: 'Restore single files to a folder: --to FOLDER --path FILE.',
  redis:
    "Restore it whole: to a folder (--to), where a private server can be started and single keys be copied from (docs/redis.md), or over the server's own data (--in-place).",
};

function noExports(type: SourceType): BackupError {
  const message = `Backups of type ${type} hold no exports: no database or table of them goes into a running server by itself.`;
  return new BackupError('usage', message, { remedy: INSTEAD[type] ?? 'Restore it to a folder: --to.' });
}

/** A source of that name may be gone from the config, or be of another type by now. */
function configOf({ config }: Site, { source, type }: Manifest): SourceConfig | null {
  const found = config.sources[source];
  return found?.type === type ? found : null;
}
