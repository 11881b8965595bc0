/** What must hold after every fault, at every place: nothing half is listed, nothing is lost, nothing is there twice, nothing is left behind. */
import assert from 'node:assert/strict';
import { glob } from 'node:fs/promises';
import path from 'node:path';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { storedChecks } from '../../activities/operations/verify-checks.ts';
import { pinned, readCatalogue, type Catalogued } from '../../activities/storage/catalogue.ts';
import { KEY_FILE, MANIFEST, recoveryPointKey, RECORD_FOLDERS } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { runId, type RunReport } from '../../model/run.ts';
import { processesOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { testWork } from '../support/work.ts';
import { mark } from './contents.ts';
import { placesOf, type PlaceOf } from './places.ts';
import { requireRestored } from './restored.ts';
import type { Trial } from './trial.ts';

export function requireComplete(report: RunReport): void {
  assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
}

/**
 * After the last run of a scenario: `runs` of them have sealed a backup of every source each. One more run follows,
 * so that what dead attempts left is swept, and is restored; then every process is ended, and none may remain.
 */
export async function requireSound(trial: Trial, runs: number): Promise<void> {
  await requireListed(trial, runs);
  await mark(trial, runs);
  const next = await trial.run(runs);
  requireComplete(await next.report());
  await requireListed(trial, runs + 1);
  await requireTidy(trial);
  await requireRestored(trial);
  await requireNoProcess(trial);
}

/**
 * At every place: what is listed verifies, each source has one backup a run, each run its recovery point, and nothing lies there
 * that is a part of none.
 * @param plans of the runs; daily where none is named.
 */
export async function requireListed(trial: Trial, runs: number, plans: readonly string[] = []): Promise<void> {
  const times = Array.from({ length: runs }, (_, number) => trial.time(number));
  const points = times.map((time, number) => recoveryPointKey(runId(plans[number] ?? 'daily', time)));
  const [repository, ...copies] = await Promise.all(
    (await placesOf(trial)).map(async (at) => {
      const { place } = at;
      const backups = await requireAllWhole(trial, at, () => true);
      for (const source of new Set([...trial.sources, ...backups.map(({ name }) => name.source)])) {
        const found = backups.filter(({ name }) => name.source === source).map(({ manifest }) => manifest.scheduled);
        assert.deepEqual(found.toSorted(), times, `${place}: one backup of ${source} for each run`);
      }
      const named = await at.named();
      assert.deepEqual(
        points.filter((key) => !named.includes(key)),
        [],
        `${place}: a recovery point for each run`,
      );
      assert.deepEqual(strays(named, backups), [], `${place}: nothing half is there, and nothing twice`);
      return backups.map(({ manifest }) => `${manifest.source} ${manifest.id} ${pinned(manifest).sha256}`);
    }),
  );
  for (const copy of copies)
    assert.deepEqual(copy, repository, 'what was copied is what is sealed: no late attempt has replaced it');
}

/** At any moment, at every place: whatever is listed is whole. */
export function requireWhole(trial: Trial): Promise<void> {
  return wholeness(trial)();
}

/** The same, again and again: what was seen whole at a place is not read there another time. */
export function wholeness(trial: Trial): () => Promise<void> {
  const seen = new Set<string>();
  return async () => {
    await Promise.all(
      (await placesOf(trial)).map(async (at) => {
        const manifests = (await at.named()).filter((key) => path.posix.basename(key) === MANIFEST);
        if (manifests.every((key) => seen.has(`${at.place} ${key}`))) return;
        const backups = await requireAllWhole(
          trial,
          at,
          ({ folder }) => !seen.has(`${at.place} ${folder}/${MANIFEST}`),
        );
        for (const { folder } of backups) seen.add(`${at.place} ${folder}/${MANIFEST}`);
      }),
    );
  };
}

/** @returns all that is listed there. */
async function requireAllWhole(
  trial: Trial,
  { place, store }: PlaceOf,
  wanted: (backup: Catalogued) => boolean,
): Promise<readonly Catalogued[]> {
  const site = await trial.site();
  const { backups, problems } = await readCatalogue(store);
  assert.deepEqual(problems, [], `${place}: nothing half is listed`);
  const trusted = await trustedKeys(site);
  for (const backup of backups.filter(wanted)) {
    const checks = await storedChecks({ site, store, backup, catalogue: backups, trusted, work: testWork() });
    const failed = checks.filter(({ compared, ok }) => !compared || !ok);
    assert.deepEqual(failed, [], `${place}: ${formatReference(backup.name)}`);
  }
  return backups;
}

/** What is a part of no backup that is listed, and no record. */
function strays(named: readonly string[], backups: readonly Catalogued[]): readonly string[] {
  const parts = new Set(
    backups.flatMap(({ folder, manifest }) =>
      [MANIFEST, KEY_FILE, ...manifest.artifacts.map(({ name }) => name)].map((name) => `${folder}/${name}`),
    ),
  );
  return named.filter((key) => !parts.has(key) && !RECORD_FOLDERS.some((folder) => key.startsWith(`${folder}/`)));
}

/** Nothing is left of attempts: staging, spools, and what was being written to a destination. */
export async function requireTidy(trial: Trial): Promise<void> {
  const there = await Promise.all(
    (await placesOf(trial)).map(async ({ place, begun }) => (await begun()).map((each) => `${place}: ${each}`)),
  );
  const here: string[] = [];
  for await (const entry of glob(['spool/*/*', 'uploads/*/*'], { cwd: trial.state })) here.push(`state: ${entry}`);
  assert.deepEqual([...there.flat(), ...here], [], 'nothing is left of dead attempts');
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

/** Ends the trial's processes; nothing that they started may outlive them. */
export async function requireNoProcess(trial: Trial): Promise<void> {
  await trial.end();
  await until('the end of every process of the trial', () => processesOf(trial.folder).length === 0, 5000).catch(() =>
    assert.deepEqual(processesOf(trial.folder), [], 'no process remains'),
  );
}
