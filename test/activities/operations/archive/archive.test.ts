import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureOrTake } from '../../../../activities/operations/archive/capture-or-take.ts';
import { chooseForArchive } from '../../../../activities/operations/archive/choose.ts';
import { archiveAt } from '../../../../activities/operations/archive/index.ts';
import { captureBackup, type CaptureRequest } from '../../../../activities/operations/capture.ts';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import { copyToDestination } from '../../../../activities/operations/copy-to.ts';
import { planRun } from '../../../../activities/operations/plan-run.ts';
import { sourceConfig } from '../../../../activities/operations/source-config.ts';
import { verifyBackup } from '../../../../activities/operations/verify.ts';
import { verifyInRepository } from '../../../../activities/operations/verify-copy.ts';
import { newSigningKey, signer as signerOf } from '../../../../activities/keys/signing.ts';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { proveBackup } from '../../../../activities/operations/restore.ts';
import type { Site } from '../../../../activities/site.ts';
import { chainOf, findPinned, listBackups, pinned } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { openRepository } from '../../../../activities/storage/repository.ts';
import type { CapturedBackup } from '../../../../model/run.ts';
import type { Tier } from '../../../../model/source.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { writeBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

const SOURCE = 'stack';
const DAY = 86_400_000;
/** In the past of every clock, and of one week. */
const BEGIN = Date.parse('2026-11-01T01:00:00Z');

describe('the archive step', () => {
  let folder: string;
  let site: Site;

  beforeEach(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'what is to last');
    ({ site } = await makeSite({
      folder,
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault') },
        cold: { type: 'directory', path: path.join(folder, 'cold'), tiers: ['monthly', 'yearly'] },
      },
      sources: {
        [SOURCE]: { type: 'files', paths: [data] },
        db: { type: 'postgres', export: {} },
      },
    }));
  });
  after(cleanUp);

  function at(days: number): string {
    return wholeSeconds(BEGIN + days * DAY);
  }

  function request(tier: Tier, days: number): CaptureRequest {
    const scheduled = at(days);
    return {
      site,
      source: SOURCE,
      tier,
      runId: `${tier}-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 0,
      work: testWork(),
    };
  }

  async function archive({ backup }: CapturedBackup): Promise<void> {
    for (const destination of ['vault', 'cold'])
      await copyToDestination({ site, backup, destination, tier: 'monthly', work: testWork() });
  }

  async function held(destination: string): Promise<readonly string[]> {
    return (await listBackups(openDestination(destination, site))).map((backup) => backup.folder);
  }

  it('takes the verified weekly, puts it to each archive as what is kept there, and the same again changes nothing', async () => {
    const weekly = await captureBackup(request('weekly', 0));
    await verifyInRepository({ site, backup: weekly.backup, work: testWork() });
    await captureBackup(request('daily', 1));
    const taken = await captureOrTake(request('monthly', 2));
    assert.deepEqual([taken.backup, taken.existed], [weekly.backup, true]);
    for (let time = 0; time < 2; time += 1) {
      await archive(taken);
      const id = '20261101T010000Z-full';
      assert.deepEqual(await held('vault'), [`monthly/${SOURCE}/${id}`]);
      assert.deepEqual(await held('cold'), [`monthly/${SOURCE}/${id}`, `yearly/${SOURCE}/${id}`]);
    }
    const store = openDestination('cold', site);
    const catalogue = await listBackups(store);
    for (const target of catalogue) {
      assert.deepEqual(target.manifest.copyOf, weekly.backup);
      const chain = chainOf(catalogue, target);
      const deep = () => proveBackup({ site, store, chain, within: folder, work: testWork() });
      const of = { site, store, destinationName: 'cold', backup: target, catalogue, work: testWork() };
      assert.equal(
        (await verifyBackup({ ...of, deep })).verdict,
        'ok',
        'it can be restored from there, by its own key',
      );
    }

    const next = await captureBackup(request('weekly', 30));
    await archive(await captureOrTake(request('monthly', 31)));
    assert.equal((await held('vault')).length, 2);
    assert.deepEqual(
      (await held('cold')).filter((each) => each.startsWith('yearly/')),
      [`yearly/${SOURCE}/20261101T010000Z-full`],
      `the year has its first already: ${next.backup.reference}`,
    );
  });

  it('captures a full where the last seven days have none, also where an incremental could be made', async () => {
    await captureBackup(request('weekly', 0));
    await captureBackup(request('daily', 1));
    const made = await captureOrTake(request('monthly', 9));
    assert.deepEqual(
      [made.backup.reference, made.kind, made.existed],
      [`monthly/${SOURCE}/20261110T010000Z-full`, 'full', false],
    );
    await archive(made);
    assert.deepEqual(await held('vault'), [`monthly/${SOURCE}/20261110T010000Z-full`]);
    const [monthly, yearly] = await listBackups(openDestination('cold', site));
    assert.equal(monthly?.manifest.copyOf, null);
    assert.deepEqual(yearly?.manifest.copyOf, made.backup);
    assert.deepEqual((await captureOrTake(request('monthly', 9))).backup, made.backup);
  });

  it('takes no full that was found damaged, none that is older or later, and none without the exports that a monthly holds', async () => {
    const signer = await siteSigner(site);
    const of = (days: number, tier: Tier, more: object = {}) =>
      writeBackup(site.repository, { source: 'db', tier, scheduled: at(days), signer, ...more });
    const chosen = async (source = 'db') => {
      const found = await chooseForArchive({ site, source, config: sourceConfig(site, source), scheduled: at(8) });
      return found && found.name;
    };
    await of(0, 'weekly');
    await of(9, 'weekly');
    const plain = await of(5, 'daily');
    assert.equal(await chosen(), null, 'a daily has no export');
    const [artifact] = plain.manifest.artifacts;
    const exported = { artifacts: [{ ...artifact, role: 'export', name: 'export-1.age' }] };
    const good = await of(4, 'daily', { fields: exported });
    assert.deepEqual(await chosen(), good.name);
    // Its export is not where the manifest says it is.
    await assert.rejects(verifyInRepository({ site, backup: pinned(good.manifest), work: testWork() }));
    assert.equal(await chosen(), null);
  });

  it('makes nothing its own that nobody of the site has signed: neither a full nor what holds the place of a yearly', async () => {
    const forged = { source: SOURCE, group: 'apps', signer: signerOf(newSigningKey().privatePem) } as const;
    const stranger = await writeBackup(site.repository, { ...forged, tier: 'weekly', scheduled: at(1) });
    const find = () => chooseForArchive({ site, source: SOURCE, config: sourceConfig(site, SOURCE), scheduled: at(2) });
    assert.equal(await find(), null);
    const from = await openRepository(site);
    const to = openDestination('cold', site);
    await assert.rejects(archiveAt({ site, from, to, original: stranger, work: testWork() }), {
      code: 'not-authentic',
    });
    assert.deepEqual(await held('cold'), []);
    await writeBackup(path.join(folder, 'cold'), { ...forged, tier: 'yearly', scheduled: at(-30) });
    const weekly = await captureBackup(request('weekly', 0));
    await archive(weekly);
    assert.ok((await held('cold')).includes(`yearly/${SOURCE}/20261101T010000Z-full`));
  });

  it('is refused where nobody would keep what it makes', () => {
    const input = { site: 'test', plan: 'monthly', scheduled: at(0) };
    assert.deepEqual(
      planRun(site, input).phases.flatMap(({ steps }) => steps.map(({ tier, destinations }) => [tier, destinations])),
      [
        ['monthly', ['vault', 'cold']],
        ['monthly', ['vault', 'cold']],
        ['monthly', ['vault', 'cold']],
      ],
      "its two sources, and this host's own",
    );
    const alone = { ...site, config: { ...site.config, destinations: {} } };
    assert.throws(() => planRun(alone, input), /nothing would be archived/);
  });

  it('has a destination that can copy by itself do so', async () => {
    const weekly = await captureBackup(request('weekly', 0));
    const from = await openRepository(site);
    const original = findPinned(await listBackups(from), weekly.backup);
    const vault = openDestination('vault', site);
    await copyBackup({ site, from, to: vault, backup: original, catalogue: [original], work: testWork() });
    const copied: string[] = [];
    const to = {
      ...vault,
      async copyWithin(one: string, two: string): Promise<void> {
        copied.push(two);
        await mkdir(path.dirname(path.join(folder, 'vault', two)), { recursive: true });
        await copyFile(path.join(folder, 'vault', one), path.join(folder, 'vault', two));
      },
    };
    await archiveAt({ site, from, to, original, work: testWork() });
    const monthly = `monthly/${SOURCE}/20261101T010000Z-full`;
    assert.deepEqual(
      copied,
      original.manifest.artifacts.map(({ name }) => `${monthly}/${name}`),
    );
    assert.deepEqual(await held('vault'), [monthly, original.folder].toSorted());
    assert.deepEqual(
      await readFile(path.join(folder, 'vault', monthly, 'key.age')),
      await readFile(path.join(site.repository, original.folder, 'key.age')),
    );
  });
});
