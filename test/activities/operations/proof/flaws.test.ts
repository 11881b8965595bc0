import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity, wrapIdentity } from '../../../../activities/keys/identity.ts';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { encodeManifest, signManifest } from '../../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { testOutcome } from '../../../../model/restore-test.ts';
import { writeBackup } from '../../../support/backups.ts';
import { damageFile, fillDisk } from '../../../support/damage.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

const SOURCE = 'wiki';

describe('a restore test of damaged data', () => {
  let folder: string;
  let test: TestSite;
  let runs = 0;

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    for (const name of ['page', 'picture']) await writeFile(path.join(data, name), randomBytes(50_000));
    test = await makeSite({ folder, sources: { [SOURCE]: { type: 'files', paths: [data] } } });
    const scheduled = '2026-11-20T02:00:00Z';
    const run = { source: SOURCE, tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
    await captureBackup({ site: test.site, ...run, attempt: 1, busy: 0, work: testWork() });
  });

  after(cleanUp);

  it('first records the contents of files, and says that they were not compared; later ones are compared with that', async () => {
    const first = await proven();
    assert.ok(!first.compared.includes('contents'));
    assert.match(first.notCompared.join(), /contents: recorded for later proofs/);
    assert.match(first.notCompared.join(), /attributes: not compared: ACLs, extended attributes/);
    const second = await proven();
    assert.ok(second.compared.includes('contents'), second.compared.join());
  });

  const flaws: readonly (readonly [what: string, plant: (page: string) => Promise<void>, named: RegExp])[] = [
    ['a file truncated', (page) => truncate(page, 100), /files: .*page has size 100, not 50000/],
    ['a wrong owner', (page) => chown(page, 12_345, 12_345), /files: .*page has owner 12345/],
    ['a file missing', (page) => rm(page), /files: .*page is missing/],
    ['a file too many', (page) => writeFile(`${page}.new`, ''), /files: .*page\.new is not in the inventory/],
    ['the contents of a file, its size and times as before', changed, /contents: the contents of files differ/],
  ];
  for (const [what, plant, named] of flaws) {
    it(`flaw: ${what}, in what was restored`, async () => {
      const { work, choice } = await chosen();
      const onRestored = (restored: string) => plant(path.join(restored, folder, 'data', 'page'));
      await assert.rejects(
        proveTest({ site: test.site, source: SOURCE, choice, within: path.join(folder, 'proof'), onRestored, work }),
        (error: Error) => named.test(error.message) && /did not restore as it was/.test(error.message),
      );
      assert.deepEqual(await readdir(path.join(folder, 'proof')), []);
    });
  }

  it('flaw: a byte of an artifact', async () => {
    const [backup] = await listBackups(repositoryStore(test.site.repository));
    const artifact = path.join(test.site.repository, backup?.folder ?? '', 'base.tar.zst.age');
    await damageFile(artifact);
    const failed = isBackupError(proven(), 'verification-failed');
    await failed;
    await damageFile(artifact);
    await proven();
  });

  it('flaw: a foreign signature: it is never chosen, and what was changed after the choice fails', async () => {
    const { work, choice } = await chosen();
    await writeBackup(test.site.repository, {
      source: SOURCE,
      group: 'apps',
      tier: 'weekly',
      scheduled: '2026-11-21T01:00:00Z',
      signer: signer(newSigningKey().privatePem),
    });
    assert.deepEqual((await chosen()).choice.backup, choice.backup, 'a stranger has put another one there');
    const all = await listBackups(repositoryStore(test.site.repository));
    const backup = all.find((one) => one.manifest.tier === 'daily');
    const manifest = path.join(test.site.repository, backup?.folder ?? '', 'manifest.json');
    assert.ok(backup);
    const good = await readFile(manifest);
    const { signature, ...unsigned } = backup.manifest;
    const [a = '', ...rest] = signature.ed25519;
    const turned = { ...signature, ed25519: [a === 'A' ? 'B' : 'A', ...rest].join('') };
    const strangers = signManifest(unsigned, signer(newSigningKey().privatePem));
    // The very same words: a stranger's own signature, his under our name, and ours with a bit turned.
    for (const signed of [strangers.signature, { ...strangers.signature, keyId: signature.keyId }, turned]) {
      await writeFile(manifest, encodeManifest({ ...backup.manifest, signature: signed }));
      await assert.rejects(
        proveTest({ site: test.site, source: SOURCE, choice, within: path.join(folder, 'proof'), work }),
        (error: Error) => /sign/.test(error.message) && /did not restore as it was/.test(error.message),
      );
    }
    await writeFile(manifest, good);
    await proven();
  });

  it('flaw: a secret that does not decrypt: the key of a backup, which no identity of the site opens', async () => {
    const all = await listBackups(repositoryStore(test.site.repository));
    const { folder: of, manifest } = all.find((one) => one.manifest.tier === 'daily') ?? assert.fail('no backup');
    const { work, choice } = await chosen();
    const files = ['manifest.json', 'key.age'].map((name) => path.join(test.site.repository, of, name));
    const good = await Promise.all(files.map((file) => readFile(file)));
    const [stranger, another] = [await newIdentity(), await newIdentity()];
    const key = await wrapIdentity(another.identity, [stranger.recipient]);
    await writeFile(files[0] ?? '', JSON.stringify({ ...manifest, key }));
    await writeFile(files[1] ?? '', key);
    await assert.rejects(
      proveTest({ site: test.site, source: SOURCE, choice, within: path.join(folder, 'proof'), work }),
      (error: Error) => /key/.test(error.message) && /did not restore as it was/.test(error.message),
    );
    for (const [index, file] of files.entries()) await writeFile(file, good[index] ?? '');
    await proven();
  });

  it('of another place compares with what was recorded here', async () => {
    const { site } = test;
    const catalogue = await listBackups(repositoryStore(site.repository));
    const backup = catalogue.find(({ manifest }) => manifest.tier === 'daily');
    assert.ok(backup);
    const to = openDestination('vault', site);
    await copyBackup({ site, backup, catalogue, from: repositoryStore(site.repository), to, work: testWork() });
    const { choice } = await chosen();
    assert.equal(choice.place, 'vault');
    assert.ok((await proven()).compared.includes('contents'));
  });

  it('a record that was wrong is named until it is taken away; then the next proof records anew', async () => {
    const { work, choice } = await chosen();
    const onRestored = (restored: string) => changed(path.join(restored, folder, 'data', 'page'));
    const request = { site: test.site, source: SOURCE, within: path.join(folder, 'proof'), work };
    let named = choice;
    for (let round = 0; named.contents !== null; round += 1) {
      assert.ok(round < 50, 'every proof has been named');
      const { message } = await isBackupError(
        proveTest({ ...request, choice: named, onRestored }),
        'verification-failed',
      );
      const [, key = '', at = ''] = /recorded by (\S+) at (the repository|vault)/.exec(message) ?? [];
      const places: Readonly<Record<string, string>> = {
        vault: path.join(folder, 'vault'),
        'the repository': test.site.repository,
      };
      await rm(path.join(places[at] ?? assert.fail(message), key));
      named = (await chosen()).choice;
    }
    const { notCompared } = await proveTest({ ...request, choice: named });
    assert.match(notCompared.join(), /contents: recorded for later proofs/);
  });

  it('that could compare nothing here is no proof', async () => {
    const { choice, work } = await chosen();
    await withSmallDisk(1, async (within) => {
      await fillDisk(path.join(within, 'filler'));
      const nothing = await proveTest({ site: test.site, source: SOURCE, choice, within, work });
      assert.deepEqual(nothing.compared, []);
      assert.match(nothing.notCompared.join(), /deep: not restored: /);
      assert.equal(testOutcome({ proven: nothing, errors: [] }), 'partial');
    });
  });

  async function chosen() {
    const choice = await chooseTest({ site: test.site, source: SOURCE, runId: `restore-test-${(runs += 1)}` });
    return { choice, work: testWork() };
  }

  async function proven() {
    const { choice, work } = await chosen();
    return proveTest({ site: test.site, source: SOURCE, choice, within: path.join(folder, 'proof'), work });
  }
});

/** As a fault of the disk does: nothing but the bytes. */
async function changed(page: string): Promise<void> {
  const { atimeMs, mtimeMs } = await stat(page);
  await damageFile(page);
  await utimes(page, atimeMs / 1000, mtimeMs / 1000);
}
