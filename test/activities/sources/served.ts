/** Serves what was restored of the one source of a site: in this process, or in one that is killed. */
import { mkdir } from 'node:fs/promises';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { openBackup } from '../../../activities/operations/reader.ts';
import { planRecovery } from '../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../activities/operations/restore.ts';
import { shipLogs } from '../../../activities/operations/ship-logs.ts';
import { sourceConfig } from '../../../activities/operations/source-config.ts';
import type { Site } from '../../../activities/site.ts';
import { adapterFor } from '../../../activities/sources/index.ts';
import type { Service } from '../../../activities/sources/service.ts';
import { chainOf, listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { parseTarget } from '../../../model/target.ts';
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

/** Captures the one source of a site. */
export async function captureNow(site: Site, scheduled: string): Promise<void> {
  const source = sourceOf(site);
  const attempt = { attempt: 1, busy: 1_000, work: testWork() } as const;
  await captureBackup({ site, source, tier: 'daily', runId: `run-${scheduled}`, scheduled, ...attempt });
}

export async function shipNow(site: Site, scheduled: string): Promise<void> {
  const attempt = { attempt: 1, busy: 0, work: testWork() } as const;
  await shipLogs({ site, source: sourceOf(site), runId: `logs-${scheduled}`, scheduled, ...attempt });
}

/** Restores the newest backup, with logs to their end. */
export async function restoreToEnd(site: Site, to: string): Promise<void> {
  const store = repositoryStore(site.repository);
  const catalogue = await listBackups(store);
  const plan = planRecovery({ catalogue, source: sourceOf(site), target: parseTarget('end') });
  await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
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
  const source = sourceOf(site);
  const config = sourceConfig(site, source);
  await mkdir(scratch, { mode: 0o711 });
  const chain = await Promise.all((await newestChain(site)).map((backup) => openBackup({ site, store, backup, work })));
  return { source, config, chain, restored, scratch, work };
}

export function sourceOf(site: Site): string {
  const [source] = Object.keys(site.config.sources);
  if (source === undefined) throw new Error('a site without a source');
  return source;
}
