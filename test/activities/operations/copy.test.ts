import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../activities/keys/signing.ts';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { copyBackup } from '../../../activities/operations/copy.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { encodeManifest, parseManifest, signManifest } from '../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { Destination } from '../../../activities/storage/types.ts';
import type { CopiedBackup } from '../../../model/run.ts';
import { formatReference } from '../../../model/reference.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { writeBackup, type BackupOptions } from '../../support/backups.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork, type TestWork } from '../../support/work.ts';

const COPY_CHILD = new URL('./copy-child.ts', import.meta.url);
const FOLDER = 'daily/postgres/20261123T020000Z-full';
const MEBIBYTE = 2 ** 20;

describe('copy of a backup', () => {
  let site: Site;
  let file: string;
  let vault: string;
  let to: Destination;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    vault = await smallFileSystem('16m');
    const destinations = { vault: { type: 'directory', path: vault } } as const;
    ({ site, file } = await makeSite({
      folder,
      destinations,
      sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
    }));
    to = openDestination('vault', site);
  });
  afterEach(endChildren);
  after(cleanUp);

  async function backup(options: BackupOptions = {}): Promise<Catalogued> {
    const artifacts = { 'base.tar.zst.age': randomBytes(3 * MEBIBYTE), 'inventory.zst.age': randomBytes(1000) };
    return writeBackup(site.repository, { artifacts, signer: await siteSigner(site), ...options });
  }

  async function copy(chosen: Catalogued, work: TestWork = testWork(), into: Destination = to): Promise<CopiedBackup> {
    const from = repositoryStore(site.repository);
    return copyBackup({ site, from, to: into, backup: chosen, catalogue: await listBackups(from), work });
  }

  /** The real destination, with a look at what is put, and in which order. */
  function watched(put: string[], afterPut: (key: string) => Promise<void> = async () => {}): Destination {
    return {
      ...to,
      async put(key, ...rest) {
        await to.put(key, ...rest);
        put.push(key);
        await afterPut(key);
      },
      async putSmall(key, ...rest) {
        await to.putSmall(key, ...rest);
        put.push(key);
        await afterPut(key);
      },
    };
  }

  async function atVault(): Promise<string[]> {
    return (await listBackups(to)).map(({ name }) => formatReference(name));
  }

  async function sameAsRepository(folder: string): Promise<void> {
    const names = (await readdir(path.join(site.repository, folder))).toSorted();
    assert.deepEqual((await readdir(path.join(vault, folder))).toSorted(), names);
    for (const name of names) {
      const [here, there] = await Promise.all(
        [site.repository, vault].map((root) => readFile(path.join(root, folder, name))),
      );
      assert.ok(there && here?.equals(there), name);
    }
  }

  it('locks a copy as long as it is kept there, and a parent as long as its last child', async () => {
    const asked = new Map<string, string>();
    const locking: Destination = {
      ...to,
      put: (key, file_, expected, work, keeping) => {
        asked.set(`put ${key}`, keeping?.until?.toISOString() ?? 'never');
        return to.put(key, file_, expected, work, keeping);
      },
      putSmall: (key, bytes, options) => {
        asked.set(`put ${key}`, options.until?.toISOString() ?? 'never');
        return to.putSmall(key, bytes, options);
      },
      keep: (key, until) => {
        asked.set(`keep ${key}`, until.toISOString());
        return Promise.resolve();
      },
    };
    const soon = wholeSeconds(Date.now());
    const later = wholeSeconds(Date.now() + 86_400_000);
    const kept = (time: string) => new Date(Date.parse(time) + 7 * 86_400_000).toISOString();
    const full = await backup({ scheduled: soon });
    await copy(full, testWork(), locking);
    const names = ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json'];
    for (const name of names) assert.equal(asked.get(`put ${full.folder}/${name}`), kept(soon), name);
    const child = await backup({ scheduled: later, parent: full.manifest });
    await copy(child, testWork(), locking);
    for (const name of names) {
      assert.equal(asked.get(`put ${child.folder}/${name}`), kept(later), name);
      assert.equal(asked.get(`keep ${full.folder}/${name}`), kept(later), `${name} of the parent`);
    }
    assert.equal((await backupOfLongAgo()).until, 'never', 'a lock in the past is none');

    async function backupOfLongAgo(): Promise<{ readonly until: string | undefined }> {
      const old = await backup({ scheduled: '2026-01-01T02:00:00Z' });
      await copy(old, testWork(), locking);
      return { until: asked.get(`put ${old.folder}/manifest.json`) };
    }
  });

  it('is the same, byte by byte, and says how much was copied', async () => {
    const chosen = await backup();
    const work = testWork();
    const copied = await copy(chosen, work);
    assert.equal(copied.destination, 'vault');
    assert.equal(copied.bytes, 3 * MEBIBYTE + 1000);
    await sameAsRepository(FOLDER);
    const phases = new Set(work.reports.map(({ phase }) => phase));
    assert.deepEqual([...phases], ['copying to vault', 'confirming at vault']);
    for (const [index, { bytes, total }] of work.reports.entries()) {
      assert.equal(total, 3 * MEBIBYTE + 1000);
      assert.ok(bytes >= (work.reports[index - 1]?.bytes ?? 0), 'progress never goes back');
    }
  });

  it('puts parents first, and of each backup its manifest last', async () => {
    const full = await backup();
    const incremental = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    const put: string[] = [];
    await copy(incremental, testWork(), watched(put));
    const files = ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json'];
    assert.deepEqual(
      put,
      [full, incremental].flatMap(({ folder }) => files.map((name) => `${folder}/${name}`)),
    );
  });

  it('changes nothing when it is done twice', async () => {
    const chosen = await backup();
    await copy(chosen);
    assert.equal((await copy(chosen)).bytes, 0);
    await sameAsRepository(FOLDER);
  });

  it('puts right what is missing or short behind a manifest', async () => {
    const chosen = await backup();
    await copy(chosen);
    await rm(path.join(vault, FOLDER, 'inventory.zst.age'));
    await writeFile(path.join(vault, FOLDER, 'base.tar.zst.age'), 'cut off');
    await rm(path.join(vault, FOLDER, 'key.age'));
    assert.equal((await copy(chosen)).bytes, 3 * MEBIBYTE + 1000);
    await sameAsRepository(FOLDER);
  });

  it('leaves the key of what is there to rotations: which of two wraps is the newer nobody can tell here', async () => {
    const full = await backup();
    await copy(full);
    for (const [root, key] of [
      [vault, 'wrapped at the destination alone'],
      [site.repository, 'wrapped in the repository alone'],
    ] as const)
      await wrapAnew(root, full, key);
    const incremental = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    const copied = await copy(incremental);
    assert.equal(copied.bytes, 3 * MEBIBYTE + 1000, 'no artifact of the parent is copied again');
    const there = parseManifest(await readFile(path.join(vault, FOLDER, 'manifest.json')));
    assert.equal(there.key, 'wrapped at the destination alone');
    const key = path.join(vault, FOLDER, 'key.age');
    assert.equal(await readFile(key, 'utf8'), 'wrapped at the destination alone');
    await rm(key);
    await copy(incremental);
    assert.equal(
      await readFile(key, 'utf8'),
      'wrapped at the destination alone',
      'what lacks is made of what is there',
    );
    await sameAsRepository(incremental.folder);
  });

  for (const name of ['base.tar.zst.age', 'manifest.json'])
    it(`takes the key along that a rotation has written since the copy began, and found no backup there (${name} is put)`, async () => {
      const chosen = await backup();
      let rotated = false;
      const rotating = watched([], async (key) => {
        if (rotated || path.basename(key) !== name) return;
        rotated = true;
        await wrapAnew(site.repository, chosen, 'wrapped to other recipients');
      });
      await copy(chosen, testWork(), rotating);
      assert.ok(rotated);
      await sameAsRepository(FOLDER);
    });

  /** What a rotation leaves at a place. */
  async function wrapAnew(root: string, { folder, manifest }: Catalogued, key: string): Promise<void> {
    await writeFile(path.join(root, folder, 'manifest.json'), encodeManifest({ ...manifest, key }));
    await writeFile(path.join(root, folder, 'key.age'), key);
  }

  it('is refused, and nothing is listed, when the local backup is damaged', async () => {
    const chosen = await backup();
    const artifact = path.join(site.repository, FOLDER, 'base.tar.zst.age');
    const bytes = await readFile(artifact);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(2 * MEBIBYTE) ^ 1, 2 * MEBIBYTE);
    for (const damaged of [flipped, bytes.subarray(0, MEBIBYTE), Buffer.concat([bytes, bytes])]) {
      await writeFile(artifact, damaged);
      await assert.rejects(copy(chosen), { code: 'verification-failed', message: /base\.tar\.zst\.age is damaged/ });
      assert.deepEqual(await atVault(), []);
    }
    await rm(artifact);
    await assert.rejects(copy(chosen), { code: 'verification-failed' });
  });

  it('is refused when the local manifest was changed, or is a stranger’s', async () => {
    const changed = await backup();
    await assert.rejects(copy({ ...changed, manifest: { ...changed.manifest, host: 'other' } }), {
      code: 'not-authentic',
    });
    const stranger = await backup({ scheduled: '2026-11-24T02:00:00Z', signer: signer(newSigningKey().privatePem) });
    await assert.rejects(copy(stranger), { code: 'not-authentic' });
    assert.deepEqual(await readdir(vault), []);
  });

  it('is refused when a parent is missing', async () => {
    const full = await backup();
    const incremental = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    await rm(path.join(site.repository, full.folder), { recursive: true });
    await assert.rejects(copy(incremental), { code: 'not-found' });
    assert.deepEqual(await atVault(), []);
  });

  it('leaves another backup of its name, or what it cannot read, as it is', async () => {
    const other = await writeBackup(vault, { signer: await siteSigner(site) });
    const chosen = await backup();
    await assert.rejects(copy(chosen), { code: 'conflict' });
    assert.deepEqual(await listBackups(to), [other]);
    await writeFile(path.join(vault, FOLDER, 'manifest.json'), 'not JSON');
    await assert.rejects(copy(chosen), { code: 'conflict' });
    assert.equal(await readFile(path.join(vault, FOLDER, 'manifest.json'), 'utf8'), 'not JSON');
  });

  it('signs anew what a stranger has signed in our place, and leaves the rest', async () => {
    const chosen = await backup();
    await copy(chosen);
    const { signature: _signature, ...unsigned } = chosen.manifest;
    const forged = signManifest(unsigned, signer(newSigningKey().privatePem));
    await writeFile(path.join(vault, FOLDER, 'manifest.json'), encodeManifest(forged));
    await copy(chosen);
    await sameAsRepository(FOLDER);
  });

  it('begins nothing that cannot fit', async () => {
    const big = await backup({ artifacts: { 'a.age': randomBytes(9 * MEBIBYTE), 'b.age': randomBytes(9 * MEBIBYTE) } });
    await assert.rejects(copy(big), { code: 'no-space', message: /needs 18\.0 MiB/ });
    assert.deepEqual(await readdir(vault), []);
  });

  it('leaves no manifest when the disk fills up in the middle, and ends well once there is room', async () => {
    const chosen = await backup({
      artifacts: { 'a.age': randomBytes(3 * MEBIBYTE), 'b.age': randomBytes(9 * MEBIBYTE) },
    });
    const filler = path.join(vault, '.filler');
    const filling = watched([], async () => writeFile(filler, Buffer.alloc(8 * MEBIBYTE)));
    await assert.rejects(copy(chosen, testWork(), filling), { code: 'no-space' });
    assert.deepEqual(await atVault(), []);
    assert.deepEqual(await readdir(path.join(vault, '.incoming')), []);
    await rm(filler);
    await copy(chosen);
    await sameAsRepository(FOLDER);
  });

  it('lists nothing of a copy that was killed in the middle, and ends well when it is tried again', async () => {
    const chosen = await backup({
      artifacts: { 'a.age': randomBytes(2 * MEBIBYTE), 'b.age': randomBytes(6 * MEBIBYTE) },
    });
    const child = startChild(COPY_CHILD, { file, reference: formatReference(chosen.name), stopAt: 4 * MEBIBYTE });
    await child.stopped();
    assert.deepEqual(await readdir(path.join(vault, FOLDER)), ['a.age'], 'it was in the middle');
    await child.signal('SIGKILL');
    assert.deepEqual(await atVault(), []);
    await copy(chosen);
    await sameAsRepository(FOLDER);
    assert.deepEqual(await readdir(path.join(vault, '.incoming')), []);
  });

  it('stops when it is cancelled', async () => {
    const chosen = await backup();
    const work = testWork();
    work.abort();
    await assert.rejects(copy(chosen, work), { code: 'aborted' });
    assert.deepEqual(await atVault(), []);
  });
});
