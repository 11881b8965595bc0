import assert from 'node:assert/strict';
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer, type Signer } from '../../../activities/keys/signing.ts';
import { siteSigner, trustedKeys } from '../../../activities/keys/site-keys.ts';
import { verifyBackup, type Verification, type VerifyRequest } from '../../../activities/operations/verify.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { directoryStore } from '../../../activities/storage/directory.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { readEvidence } from '../../../activities/storage/evidence-file.ts';
import { encodeManifest, pinned, signManifest } from '../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { WritableStore } from '../../../activities/storage/types.ts';
import { BackupError } from '../../../model/errors.ts';
import { evidence } from '../../../model/evidence.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { testBackup, writeBackup, type BackupOptions } from '../../support/backups.ts';
import { cleanUp, remount, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const FOLDER = 'daily/postgres/20261123T020000Z-full';

describe('verification of a backup', () => {
  let site: Site;
  let vault: string;
  let ours: Signer;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    vault = await smallFileSystem('8m');
    const destinations = { vault: { type: 'directory', path: vault } } as const;
    const made = await makeSite({
      folder,
      destinations,
      sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
    });
    // A host that only backs up: what an identity sees besides is in verify-key.test.ts.
    const { recipients } = made.site.config.encryption;
    site = { ...made.site, config: { ...made.site.config, encryption: { recipients } } };
    ours = await siteSigner(site);
  });
  after(cleanUp);

  function at(name: string): string {
    return path.join(vault, FOLDER, name);
  }

  function backup(options: BackupOptions = {}): Promise<Catalogued> {
    return writeBackup(vault, {
      signer: ours,
      artifacts: { 'base.tar.zst.age': Buffer.from('what was captured'), 'inventory.zst.age': Buffer.from('[]') },
      ...options,
    });
  }

  async function verify(chosen: Catalogued, more: Partial<VerifyRequest> = {}): Promise<Verification> {
    const store: WritableStore = more.store ?? openDestination('vault', site);
    return verifyBackup({
      site,
      store,
      destinationName: 'vault',
      backup: chosen,
      catalogue: await listBackups(store),
      work: testWork(),
      ...more,
    });
  }

  /** Verifies what was damaged, and expects exactly these checks to fail, in words that fit, and the verdict on record. */
  async function finds(chosen: Catalogued, expected: Readonly<Record<string, RegExp>>): Promise<void> {
    const found = await verify(chosen);
    const failed = found.checks.filter(({ ok, compared }) => !ok && compared);
    assert.deepEqual(
      failed.map(({ name }) => name).toSorted(),
      Object.keys(expected).toSorted(),
      JSON.stringify(failed),
    );
    for (const { name, detail } of failed) assert.match(detail, expected[name] ?? /never/);
    assert.equal(found.verdict, 'failed');
    const [record] = await readEvidence(openDestination('vault', site), await trustedKeys(site));
    assert.equal(record?.verdict, 'failed');
    const recorded = await readFile(path.join(vault, found.recorded ?? ''), 'utf8');
    assert.deepEqual(evidence.parse(JSON.parse(recorded)).checks, found.checks);
  }

  async function rewrite(change: (manifest: Manifest) => Manifest): Promise<void> {
    const manifest = JSON.parse(await readFile(at('manifest.json'), 'utf8')) as Manifest; // ours, written above
    await writeFile(at('manifest.json'), encodeManifest(change(manifest)));
  }

  it('finds everything right, and leaves signed evidence at the place', async () => {
    const chosen = await backup();
    const found = await verify(chosen);
    assert.equal(found.verdict, 'ok');
    const names = [
      'manifest',
      'folder',
      'signature',
      'base.tar.zst.age',
      'inventory.zst.age',
      'key.age',
      'key',
      'nothing else',
      'parents',
    ];
    assert.deepEqual(
      found.checks.map(({ name }) => name),
      names,
    );
    const unseen = found.checks.filter(({ ok, compared }) => !ok || !compared);
    assert.deepEqual(
      unseen.map(({ name, compared }) => [name, compared]),
      [['key', false]],
      'whether the key opens cannot be seen without an identity',
    );
    assert.match(found.recorded ?? '', /^evidence\/postgres\/20261123T020000Z-full\/.*-verify\.json$/);
    const [record] = await readEvidence(openDestination('vault', site), [ours.publicKey], 'postgres');
    assert.deepEqual(record?.backup, pinned(chosen.manifest));
    assert.equal(record.destination, 'vault');
    assert.equal((await verify(chosen)).verdict, 'ok', 'evidence is no part of the backup');
    assert.equal((await readEvidence(openDestination('vault', site), [ours.publicKey])).length, 2);
  });

  it('does it in the repository too', async () => {
    const chosen = await writeBackup(site.repository, { signer: ours });
    const store = repositoryStore(site.repository);
    const found = await verify(chosen, { store, destinationName: null });
    assert.deepEqual([found.verdict, found.destination], ['ok', null]);
    assert.equal((await readEvidence(store, [ours.publicKey])).length, 1);
  });

  it('finds a flipped byte', async () => {
    const chosen = await backup();
    await writeFile(at('base.tar.zst.age'), 'what was captureD');
    await finds(chosen, { 'base.tar.zst.age': /not those that were captured/ });
  });

  it('finds what is cut off, missing or too much, all at once', async () => {
    const chosen = await backup();
    await writeFile(at('base.tar.zst.age'), 'what was capture');
    await rm(at('inventory.zst.age'));
    await writeFile(at('stranger.age'), '');
    await finds(chosen, {
      'base.tar.zst.age': /16 bytes, not 17/,
      'inventory.zst.age': /not there/,
      'nothing else': /does not name stranger\.age/,
    });
  });

  it('finds a key file that is not the manifest’s', async () => {
    const chosen = await backup();
    await writeFile(at('key.age'), 'another');
    await finds(chosen, { 'key.age': /differs/ });
  });

  it('finds a missing key file', async () => {
    const chosen = await backup();
    await rm(at('key.age'));
    await finds(chosen, { 'key.age': /not there/ });
  });

  it('finds a manifest that is not JSON', async () => {
    const chosen = await backup();
    await writeFile(at('manifest.json'), '{');
    await finds(chosen, { manifest: /not JSON/ });
  });

  it('finds a missing manifest', async () => {
    const chosen = await backup();
    await rm(at('manifest.json'));
    await finds(chosen, { manifest: /not there/ });
  });

  it('finds a manifest without a signature', async () => {
    const chosen = await backup();
    const { signature: _signature, ...unsigned } = chosen.manifest;
    await writeFile(at('manifest.json'), JSON.stringify(unsigned));
    await finds(chosen, { manifest: /is not signed: whoever can write there could have made it/ });
  });

  it('finds a manifest that lies about a digest', async () => {
    const chosen = await backup();
    await rewrite((manifest) => ({
      ...manifest,
      artifacts: manifest.artifacts.map((artifact) => ({ ...artifact, sha256: '0'.repeat(64) })),
    }));
    await finds(chosen, {
      manifest: /signed form differs/,
      signature: /changed after/,
      'base.tar.zst.age': /not those/,
      'inventory.zst.age': /not those/,
    });
  });

  it('finds a stranger’s signature', async () => {
    const chosen = await backup({ signer: signer(newSigningKey().privatePem) });
    await finds(chosen, { signature: /not trusted here/ });
  });

  it('finds another backup in its place, though a trusted key signed it', async () => {
    const chosen = await backup();
    await rewrite(({ signature: _signature, ...manifest }) => signManifest({ ...manifest, host: 'other' }, ours));
    await finds(chosen, { manifest: /signed form differs/ });
  });

  it('finds a backup in the folder of another', async () => {
    const chosen = await backup();
    const folder = 'daily/postgres/20261124T020000Z-full';
    await rename(path.join(vault, FOLDER), path.join(vault, folder));
    await finds({ ...chosen, folder }, { folder: /says that it is daily\/postgres\/20261123T020000Z-full/ });
  });

  it('finds a missing parent, and one that is another backup', async () => {
    const full = await backup();
    const incremental = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    assert.equal((await verify(incremental)).verdict, 'ok');
    await rm(path.join(vault, 'evidence'), { recursive: true });
    await writeFile(
      at('manifest.json'),
      encodeManifest(testBackup({ signer: ours, fields: { host: 'other' } }).manifest),
    );
    await finds(incremental, { parents: /another one/ });
    await rm(path.join(vault, 'evidence'), { recursive: true });
    await rm(path.join(vault, FOLDER), { recursive: true });
    await finds(incremental, { parents: /builds on daily\/postgres\/20261123T020000Z-full, which is not here/ });
  });

  it('does not mind a rotated key', async () => {
    const chosen = await backup();
    await rewrite((manifest) => ({ ...manifest, key: 'rotated' }));
    await writeFile(at('key.age'), 'rotated');
    assert.equal((await verify(chosen)).verdict, 'ok');
  });

  it('says of signatures that they were not compared where no key is trusted', async () => {
    const nobody: Site = { ...site, config: { ...site.config, signing: { trusted: [], revoked: [] } } };
    const found = await verify(await backup(), { site: nobody });
    assert.deepEqual(found.checks.find(({ name }) => name === 'signature')?.compared, false);
    assert.equal(found.recorded, null);
    assert.match(found.unrecorded ?? '', /no signing key/);
    assert.deepEqual(await readEvidence(directoryStore(vault), [ours.publicKey]), []);
  });

  it('verifies a read-only place, and says that it left no record', async () => {
    const chosen = await backup();
    remount(vault, 'ro');
    for (const store of [openDestination('vault', site), directoryStore(vault)]) {
      const found = await verify(chosen, { store });
      assert.equal(found.verdict, 'ok');
      assert.equal(found.recorded, null);
      assert.match(found.unrecorded ?? '', /read-only/);
    }
  });

  it('says nothing of a backup whose place cannot be reached', async () => {
    const chosen = await backup();
    const catalogue = [chosen];
    await openDestination('vault', site).probe();
    unmount(vault);
    const store = openDestination('vault', site);
    await assert.rejects(
      verifyBackup({ site, store, destinationName: 'vault', backup: chosen, catalogue, work: testWork() }),
      { code: 'unreachable' },
    );
  });

  it('believes no evidence that was changed, is a stranger’s, or is none', async () => {
    const chosen = await backup();
    const { recorded } = await verify(chosen);
    const file = path.join(vault, recorded ?? '');
    const text = await readFile(file, 'utf8');
    await writeFile(`${file}.json`, 'not JSON');
    assert.equal((await readEvidence(directoryStore(vault), [ours.publicKey])).length, 1);
    assert.equal((await readEvidence(directoryStore(vault), [newSigningKey().publicKey])).length, 0);
    await writeFile(file, text.replace('vault', 'other'));
    assert.equal((await readEvidence(directoryStore(vault), [ours.publicKey])).length, 0);
  });

  describe('that is deep', () => {
    const rows = { name: 'rows', compared: true, ok: true, detail: '3 tables equal' };

    it('adds what the restore found', async () => {
      const found = await verify(await backup(), { deep: async () => [rows] });
      assert.deepEqual([found.verdict, found.checks.at(-1)], ['ok', rows]);
      const bad = await verify(await backup(), { deep: async () => [{ ...rows, ok: false }] });
      assert.equal(bad.verdict, 'failed');
    });

    it('fails with a restore that fails for the backup’s sake', async () => {
      const deep = async () => {
        throw new BackupError('program-failed', 'zstd failed');
      };
      const found = await verify(await backup(), { deep });
      assert.equal(found.verdict, 'failed');
      assert.deepEqual(found.checks.at(-1), { name: 'deep', compared: true, ok: false, detail: 'zstd failed' });
    });

    it('says nothing of the backup when the restore failed for another reason', async () => {
      const deep = async () => {
        throw new BackupError('missing-identity', 'no identity here');
      };
      await assert.rejects(verify(await backup(), { deep }), { code: 'missing-identity' });
    });

    it('restores nothing that is already found to be wrong', async () => {
      const chosen = await backup();
      await rm(at('key.age'));
      const deep = async () => assert.fail('restored');
      const found = await verify(chosen, { deep });
      assert.equal(found.checks.at(-1)?.compared, false);
    });
  });

  it('works on a copy that was made by hand', async () => {
    const chosen = await backup();
    const elsewhere = await temporaryFolder();
    await cp(vault, elsewhere, { recursive: true });
    assert.equal((await verify(chosen, { store: directoryStore(elsewhere), destinationName: null })).verdict, 'ok');
  });
});
