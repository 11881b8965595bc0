/** Captures and restores of exports of one MariaDB source, as operations without Temporal. */
import { userInfo } from 'node:os';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { withExportPlan, type RestoreExportRequest } from '../../../../activities/operations/restore-export.ts';
import type { Site } from '../../../../activities/site.ts';
import type { ExportPlan, ExportTarget } from '../../../../activities/sources/types.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { TestMariadb } from '../../../support/mariadb.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from './backups.ts';

/** A weekly, which holds exports. */
export async function captureExport(site: Site): Promise<Catalogued> {
  const run = { runId: 'weekly-2026-11-22T01:00:00Z', scheduled: '2026-11-22T01:00:00Z', attempt: 1, busy: 1_000 };
  const captured = await captureBackup({ site, source: SOURCE, tier: 'weekly', ...run, work: testWork() });
  if (captured.partial) throw new Error(captured.warnings.join());
  const [backup] = await listed(site);
  if (!backup) throw new Error('no backup');
  return backup;
}

export type Restoring = Partial<Omit<RestoreExportRequest, 'into'>> & {
  readonly server: TestMariadb;
  readonly backup: Catalogued;
  /** The database that it goes into; that of the export when absent. */
  readonly to?: string;
  /** The account; who this process is, with all rights, when absent. */
  readonly as?: { readonly user: string; readonly password: string };
};

/** Restores the export of `shop`, or only plans it. */
export async function restoreExport(site: Site, options: Restoring, only?: 'plan'): Promise<ExportPlan> {
  const { server, to, as, ...request } = options;
  const settings = { socket: server.connection().socket ?? '', user: as?.user ?? userInfo().username };
  const into: ExportTarget = {
    settings: { ...settings, ...(to === undefined ? {} : { database: to }) },
    password: as?.password,
  };
  return withExportPlan(
    {
      site,
      store: repositoryStore(site.repository),
      database: 'shop',
      tables: [],
      into,
      replace: false,
      owners: true,
      work: testWork(),
      ...request,
    },
    async (plan) => {
      if (only !== 'plan') await plan.carryOut();
      return plan;
    },
  );
}
