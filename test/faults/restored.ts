/** Restores, from destinations alone, compared with what the sources hold. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { glob, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { proveBackup, restoreBackup } from '../../activities/operations/restore.ts';
import { chainOf, readCatalogue, type Catalogued } from '../../activities/storage/catalogue.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import type { Store } from '../../activities/storage/types.ts';
import type { Site } from '../../activities/site.ts';
import { until } from '../support/until.ts';
import { testWork } from '../support/work.ts';
import { contentHere, contentOf, type DatabaseName } from './contents.ts';
import type { SourceName, Trial } from './trial.ts';

/** The newest backup of each source is what the source holds now. Each comes from another destination, as long as there are some. */
export async function requireRestored(trial: Trial): Promise<void> {
  const site = await trial.site();
  const destinations = Object.keys(site.config.destinations);
  for (const [index, source] of trial.sources.entries()) {
    const from = destinations[index % destinations.length] ?? '';
    if (source === 'stack') await requireFiles(trial, site, from);
    else await requireDatabase(trial, site, { source, from });
  }
}

async function requireFiles(trial: Trial, site: Site, from: string): Promise<void> {
  const to = path.join(trial.folder, 'restored');
  await restoreBackup({ ...(await newestAt(site, from, 'stack')), to, paths: [] });
  const restored = await until('the restored folder', () => firstOf(`${to}/**/${path.basename(trial.data)}`));
  execFileSync('diff', ['--recursive', '--no-dereference', trial.data, restored]);
  await rm(to, { recursive: true });
}

/** It passes the checks of its type, and a server of its own holds the same. */
async function requireDatabase(
  trial: Trial,
  site: Site,
  { source, from }: { readonly source: DatabaseName; readonly from: string },
): Promise<void> {
  const expected = await contentHere(trial, source);
  let content: string | undefined;
  const checks = await proveBackup({
    ...(await newestAt(site, from, source)),
    within: path.join(trial.folder, 'proof'),
    async also({ restored: data, scratch }) {
      const runtime = path.join(scratch, 'compared');
      await mkdir(runtime, { mode: 0o711 });
      content = await contentOf(trial, source, { data, runtime });
      return [];
    },
  });
  assert.deepEqual(
    checks.filter(({ ok, compared }) => compared && !ok),
    [],
    `${source} from ${from}`,
  );
  assert.ok(
    checks.some(({ ok }) => ok),
    `${source} from ${from}: something was compared`,
  );
  assert.equal(content, expected, `${source} from ${from}: what was restored is what the source holds`);
}

async function newestAt(site: Site, from: string, source: SourceName) {
  const store: Store = openDestination(from, site);
  const { backups } = await readCatalogue(store);
  return { site, store, chain: chainOf(backups, newestOf(backups, source)), work: testWork() };
}

function newestOf(backups: readonly Catalogued[], source: string): Catalogued {
  const newest = backups
    .filter(({ name }) => name.source === source)
    .toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled))
    .at(-1);
  assert.ok(newest, `a backup of ${source}`);
  return newest;
}

async function firstOf(pattern: string): Promise<string | undefined> {
  for await (const file of glob(pattern)) return file;
  return undefined;
}
