/**
 * A restore of an export into a running server in a process of its own, to be killed: `node export-in-child.ts CONFIG
 * NOTE REQUEST`. What the plan notes is in the file NOTE before it is carried out.
 */
import { writeFile } from 'node:fs/promises';
import { loadSite } from '../../../activities/config/load.ts';
import { withExportPlan, type RestoreExportRequest } from '../../../activities/operations/restore-export.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { testWork } from '../../support/work.ts';
import { listed } from './postgres/backups.ts';

/** What of a request can be said in JSON. */
export type Said = Pick<RestoreExportRequest, 'database' | 'tables' | 'into' | 'replace' | 'owners' | 'earlier'>;

const [, , file = '', note = '', said = ''] = process.argv;
const site = await loadSite({ file, env: process.env });
const [backup] = await listed(site);
if (!backup) throw new Error('no backup');
const request: Said = JSON.parse(said);
await withExportPlan(
  { site, store: repositoryStore(site.repository), backup, work: testWork(), ...request },
  async (plan) => {
    await writeFile(note, JSON.stringify(plan.note));
    await plan.carryOut();
  },
);
