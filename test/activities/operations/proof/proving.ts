/** Restore tests of one source, as a worker makes them: with flaws planted in what was restored, and with probes. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readFile, rename, truncate } from 'node:fs/promises';
import path from 'node:path';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import type { SourceConfig } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Proven } from '../../../../model/restore-test.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

export interface Proving {
  readonly site: Site;
  readonly source: string;
  /** In which it is restored. */
  readonly within: string;
  /** Where it comes from; absent: whose turn it is. */
  readonly place?: string;
}

export interface Trial {
  /** The source as its config has it, but for this. */
  readonly change?: Partial<Pick<SourceConfig, 'probes'>> | undefined;
  /** Changes what was restored. */
  readonly plant?: ((restored: string) => Promise<void>) | undefined;
  /** Its logs are replayed besides. */
  readonly logs?: boolean;
}

let runs = 0;

export async function prove(
  { site, source, within, place }: Proving,
  { change = {}, plant, logs = false }: Trial = {},
): Promise<Proven> {
  const config = site.config.sources[source];
  assert.ok(config);
  const changed: SourceConfig = { ...config, probes: change.probes ?? config.probes };
  const asked = { ...site, config: { ...site.config, sources: { ...site.config.sources, [source]: changed } } };
  const choice = await chooseTest({ site, source, runId: `restore-test-${(runs += 1)}` });
  return proveTest({
    site: asked,
    source,
    choice: { ...choice, ...(logs ? {} : { at: null }), ...(place === undefined ? {} : { place }) },
    within,
    work: testWork(),
    ...(plant && { onRestored: plant }),
  });
}

/** What is wrong, in words, where it must be found. */
export async function findings(proving: Proving, trial: Trial): Promise<string> {
  const error: unknown = await prove(proving, trial).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BackupError && error.code === 'verification-failed', String(error));
  assert.match(error.message, /did not restore as it was/);
  return error.message;
}

/** Two sites of one database, each with a backup of it: with the second account, which reads rows, and without. */
export interface TwoSites {
  readonly reading: Site;
  readonly blind: Site;
}

export async function twoSites(
  folder: string,
  source: string,
  configs: Readonly<Record<keyof TwoSites, SiteInput['sources'][string]>>,
  capture: (site: Site, scheduled: string) => Promise<unknown>,
): Promise<TwoSites> {
  return { reading: await captured('reading'), blind: await captured('blind') };

  async function captured(name: keyof TwoSites): Promise<Site> {
    const own = path.join(folder, name);
    await mkdir(own);
    const { site } = await makeSite({ folder: own, sources: { [source]: configs[name] } });
    await capture(site, '2026-11-20T02:00:00Z');
    return site;
  }
}

export function withinOf(folder: string): string {
  return path.join(folder, 'proof');
}

/** Each artifact of a backup in the repository, cut off by a byte and then missing, is named by the restore test; whole again, it is proven. */
export async function eachArtifactDamaged(
  proving: Proving,
  { folder, manifest }: Pick<Catalogued, 'folder' | 'manifest'>,
): Promise<void> {
  assert.notEqual(manifest.artifacts.length, 0);
  for (const { name } of manifest.artifacts) {
    const file = path.join(proving.site.repository, folder, name);
    const named = new RegExp(name.replaceAll('.', String.raw`\.`));
    await rename(file, `${file}.away`);
    assert.match(await findings(proving, {}), named);
    const whole = await readFile(`${file}.away`);
    await rename(`${file}.away`, file);
    await truncate(file, whole.length - 1);
    assert.match(await findings(proving, {}), named);
    await appendFile(file, whole.subarray(-1));
  }
  await prove(proving);
}
