/** What must hold after every fault: nothing half is listed, nothing is lost, nothing is left behind. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { glob, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { proveBackup, restoreBackup } from '../../activities/operations/restore.ts';
import { verifyBackup } from '../../activities/operations/verify.ts';
import { chainOf, pinned, readCatalogue, type Catalogued } from '../../activities/storage/catalogue.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { WritableStore } from '../../activities/storage/types.ts';
import { formatReference } from '../../model/reference.ts';
import type { RunReport } from '../../model/run.ts';
import { processesOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { testWork } from '../support/work.ts';
import type { Trial } from './trial.ts';

export function requireComplete(report: RunReport): void {
  assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
}

/**
 * After the last run of a scenario: `runs` of them have sealed a backup of every source each. One more run follows,
 * so that what dead attempts left is swept; then every process is ended, and none may remain.
 */
export async function requireSound(trial: Trial, runs: number): Promise<void> {
  await requireListed(trial, runs);
  const next = await trial.run(runs);
  requireComplete(await next.report());
  await requireListed(trial, runs + 1);
  await requireTidy(trial);
  if (trial.sources.includes('stack')) await requireRestorable(trial);
  await requireProven(trial);
  await requireNoProcess(trial);
}

/** In both places: what is listed verifies, each source has one backup a run, and no folder is half a backup. */
export async function requireListed(trial: Trial, runs: number): Promise<void> {
  const listed: (readonly string[])[] = [];
  for (const { place, store, root } of await places(trial)) {
    const { backups, problems } = await readCatalogue(store);
    assert.deepEqual(problems, [], `${place}: nothing half is there`);
    for (const source of trial.sources) {
      const times = backups.filter(({ name }) => name.source === source).map(({ manifest }) => manifest.scheduled);
      const expected = Array.from({ length: runs }, (_, number) => trial.time(number));
      assert.deepEqual(times.toSorted(), expected, `${place}: one backup of ${source} for each run`);
    }
    for (const backup of backups) await requireVerified(trial, { place, store, backup, backups });
    listed.push(backups.map(({ manifest }) => `${manifest.source} ${manifest.id} ${pinned(manifest).sha256}`));
    assert.deepEqual(await halfBackups(root), [], `${place}: no folder of artifacts is without a manifest`);
  }
  const [repository, vault] = listed;
  assert.deepEqual(vault, repository, 'what was copied is what is sealed: no late attempt has replaced it');
}

/** At any moment, in both places: whatever is listed is whole. */
export async function requireWhole(trial: Trial): Promise<void> {
  for (const { place, store } of await places(trial)) {
    const { backups, problems } = await readCatalogue(store);
    assert.deepEqual(problems, [], `${place}: nothing half is listed`);
    for (const backup of backups) await requireVerified(trial, { place, store, backup, backups });
  }
}

export interface PlaceOf {
  readonly place: string;
  readonly root: string;
  readonly store: WritableStore;
}

export async function places(trial: Trial): Promise<readonly PlaceOf[]> {
  const site = await trial.site();
  return [
    { place: 'repository', root: trial.repository, store: repositoryStore(trial.repository) },
    { place: 'vault', root: trial.vault, store: openDestination('vault', site) },
  ];
}

async function requireVerified(
  trial: Trial,
  found: Pick<PlaceOf, 'place' | 'store'> & { readonly backup: Catalogued; readonly backups: readonly Catalogued[] },
): Promise<void> {
  const { place, store, backup, backups } = found;
  const { verdict, checks } = await verifyBackup({
    site: await trial.site(),
    store,
    destinationName: place === 'repository' ? null : place,
    backup,
    catalogue: backups,
    work: testWork(),
  });
  assert.equal(verdict, 'ok', `${place}: ${formatReference(backup.name)} ${JSON.stringify(checks)}`);
}

/** Folders that hold artifacts and no manifest, hidden ones apart. */
async function halfBackups(root: string): Promise<readonly string[]> {
  const half = new Set<string>();
  for await (const artifact of glob('*/**/*.age', {
    cwd: root,
    exclude: (name) => path.basename(name).startsWith('.'),
  })) {
    const folder = path.dirname(artifact);
    if (!(await readdir(path.join(root, folder))).includes('manifest.json')) half.add(folder);
  }
  return [...half];
}

/** Nothing is left of attempts: staging, spools, and what was being written to a destination. */
export async function requireTidy(trial: Trial): Promise<void> {
  const left = [
    ...(await below(trial.repository, '.staging')),
    ...(await below(trial.repository, '.incoming')),
    ...(await below(trial.vault, '.incoming')),
    ...(await spooled(trial.state)),
  ];
  assert.deepEqual(left, [], 'nothing is left of dead attempts');
}

export async function isTidy(trial: Trial): Promise<boolean> {
  try {
    await requireTidy(trial);
    return true;
  } catch {
    // Not yet; when it never is, `requireSound` tells what is left.
    return false;
  }
}

/** The newest backup of the files, from the destination alone, is what the source is. */
export async function requireRestorable(trial: Trial): Promise<void> {
  const site = await trial.site();
  const store = openDestination('vault', site);
  const { backups } = await readCatalogue(store);
  const to = path.join(trial.folder, 'restored');
  const chain = chainOf(backups, newestOf(backups, 'stack'));
  await restoreBackup({ site, store, chain, to, paths: [], work: testWork() });
  const restored = await until('the restored folder', () => firstOf(`${to}/**/${path.basename(trial.data)}`));
  execFileSync('diff', ['--recursive', '--no-dereference', trial.data, restored]);
  await rm(to, { recursive: true });
}

function newestOf(backups: readonly Catalogued[], source: string): Catalogued {
  const newest = backups
    .filter(({ name }) => name.source === source)
    .toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled))
    .at(-1);
  assert.ok(newest, `a backup of ${source}`);
  return newest;
}

/** The newest backups of MariaDB and Redis, from the destination alone, pass the checks of their type. */
async function requireProven(trial: Trial): Promise<void> {
  const site = await trial.site();
  const store = openDestination('vault', site);
  const { backups } = await readCatalogue(store);
  for (const source of trial.sources.filter((name) => name === 'wiki' || name === 'cache')) {
    const chain = chainOf(backups, newestOf(backups, source));
    const within = path.join(trial.folder, 'proof');
    const checks = await proveBackup({ site, store, chain, within, work: testWork() });
    const failed = checks.filter(({ ok, compared }) => compared && !ok);
    assert.deepEqual(failed, [], source);
    assert.ok(
      checks.some(({ ok }) => ok),
      `${source}: something was compared`,
    );
  }
}

/** Ends the trial's processes; nothing that they started may outlive them. */
export async function requireNoProcess(trial: Trial): Promise<void> {
  await trial.end();
  await until('the end of every process of the trial', () => processesOf(trial.folder).length === 0, 5000).catch(() =>
    assert.deepEqual(processesOf(trial.folder), [], 'no process remains'),
  );
}

async function spooled(state: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of glob(`${state}/spool/*/*`)) found.push(entry);
  return found;
}

async function firstOf(pattern: string): Promise<string | undefined> {
  for await (const file of glob(pattern)) return file;
  return undefined;
}

async function below(root: string, folder: string): Promise<readonly string[]> {
  return (await filesBelow(path.join(root, folder))).map((name) => path.join(root, folder, name));
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
