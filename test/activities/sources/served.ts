/** Serves what was restored of the one source of a site: in this process, or in one that is killed. */
import { mkdir } from 'node:fs/promises';
import { openBackup } from '../../../activities/operations/reader.ts';
import { restoreBackup } from '../../../activities/operations/restore.ts';
import type { Site } from '../../../activities/site.ts';
import { adapterFor } from '../../../activities/sources/index.ts';
import type { Service } from '../../../activities/sources/service.ts';
import { chainOf, listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { testWork } from '../../support/work.ts';

/** The newest backup of data, with all that it builds on, full first. */
export async function newestChain(site: Site): Promise<readonly Catalogued[]> {
  const catalogue = await listBackups(repositoryStore(site.repository));
  const newest = catalogue
    .filter(({ manifest }) => manifest.kind !== 'logs')
    .toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled))
    .at(-1);
  if (!newest) throw new Error('no backup');
  return chainOf(catalogue, newest);
}

export async function restoreNewest(site: Site, to: string): Promise<void> {
  const [store, chain] = [repositoryStore(site.repository), await newestChain(site)];
  await restoreBackup({ site, store, chain, to, paths: [], work: testWork() });
}

/** Names of the checks that failed. */
export async function failuresOf(site: Site, restored: string, scratch: string): Promise<readonly string[]> {
  const context = await contextOf(site, restored, scratch);
  const checks = await adapterFor(context.config.type).check(context);
  return checks.filter(({ compared, ok }) => compared && !ok).map(({ name, detail }) => `${name}: ${detail}`);
}

export async function serveRestored(site: Site, restored: string, scratch: string): Promise<Service> {
  const context = await contextOf(site, restored, scratch);
  const service = adapterFor(context.config.type).serve?.(context);
  if (!service) throw new Error('the type has no server');
  return service;
}

async function contextOf(site: Site, restored: string, scratch: string) {
  const [store, work] = [repositoryStore(site.repository), testWork()];
  const [[source, config] = []] = Object.entries(site.config.sources);
  if (source === undefined || config === undefined) throw new Error('a site without a source');
  await mkdir(scratch, { mode: 0o711 });
  const chain = await Promise.all((await newestChain(site)).map((backup) => openBackup({ site, store, backup, work })));
  return { source, config, chain, restored, scratch, work };
}
