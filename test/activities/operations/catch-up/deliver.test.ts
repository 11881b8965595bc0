import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { deliverCopies, type DeliverRequest } from '../../../../activities/operations/catch-up/deliver.ts';
import { heldAt, owedOf, wantedAt } from '../../../../activities/operations/catch-up/owing.ts';
import { copyToDestination } from '../../../../activities/operations/copy-to.ts';
import type { Site } from '../../../../activities/site.ts';
import { listBackups, pinned, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { directoryStore } from '../../../../activities/storage/directory.ts';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import { prepareRepository } from '../../../../activities/storage/repository.ts';
import type { Delivered } from '../../../../model/catch-up.ts';
import { MANIFEST } from '../../../../model/paths.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { keysIn } from '../../../support/keys-in.ts';
import { cleanUp, plugIn, smallFileSystem, temporaryFolder, unmount } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

const DELIVER_CHILD = new URL('./deliver-child.ts', import.meta.url);
const NIGHT = Date.parse('2026-11-27T23:00:00Z');
const NOON = Date.parse('2026-11-27T12:00:00Z');

describe('delivery of what a destination lacks', () => {
  let site: Site;
  let file: string;
  let vault: string;
  let disk: string;
  let usb: string;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    vault = path.join(folder, 'vault');
    usb = path.join(folder, 'usb');
    disk = await smallFileSystem('16m');
    ({ site, file } = await makeSite({
      folder,
      // Fixed days: nothing of them is over.
      retention: { prune: false },
      sources: { stack: { type: 'files', paths: ['/etc/hostname'] }, db: { type: 'postgres' } },
      destinations: {
        vault: { type: 'directory', path: vault },
        usb: { type: 'directory', path: usb, removable: true },
        nightly: { type: 'directory', path: path.join(folder, 'nightly'), windows: [{ from: '22:00', to: '06:00' }] },
        archive: { type: 'directory', path: path.join(folder, 'archive'), tiers: ['monthly'] },
      },
    }));
  });
  afterEach(endChildren);
  after(cleanUp);

  async function backup(options: BackupOptions = {}): Promise<Catalogued> {
    const artifacts = { 'base.tar.zst.age': randomBytes(100_000) };
    const fields = { host: site.host };
    return writeBackup(site.repository, { artifacts, fields, signer: await siteSigner(site), ...options });
  }

  function deliver(destination: string, options: Partial<DeliverRequest> = {}): Promise<Delivered> {
    return deliverCopies({ site, destination, deadline: null, work: testWork(), ...options });
  }

  async function chains(): Promise<readonly [Catalogued, Catalogued, Catalogued, Catalogued]> {
    const old = await backup({ scheduled: '2026-11-21T02:00:00Z' });
    const oldChild = await backup({ scheduled: '2026-11-22T02:00:00Z', parent: old.manifest });
    const full = await backup({ scheduled: '2026-11-23T02:00:00Z' });
    const child = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    return [old, oldChild, full, child];
  }

  async function assertSame(root: string, ...folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      const names = (await readdir(path.join(site.repository, folder))).toSorted();
      assert.deepEqual((await readdir(path.join(root, folder))).toSorted(), names);
      for (const name of names) {
        const [here, there] = await Promise.all(
          [site.repository, root].map((each) => readFile(path.join(each, folder, name))),
        );
        assert.ok(there && here?.equals(there), `${folder}/${name}`);
      }
    }
  }

  it('copies the newest chain first and parents before children, and has nothing to do the second time', async () => {
    const made = await chains();
    const first = await deliver('vault');
    assert.equal(first.state, 'served', JSON.stringify(first));
    assert.deepEqual(first.copied, { backups: 4, bytes: 400_000, records: 0 });
    assert.deepEqual(first.behind, { backups: 0, bytes: 0, since: null, records: 0 });
    assert.equal(first.newest, '2026-11-24T02:00:00Z');
    const [old, oldChild, full, child] = made.map(({ folder }) => folder);
    const arrived = await Promise.all(
      [full, child, old, oldChild].map(
        async (folder) => (await stat(path.join(vault, folder ?? '', MANIFEST))).ctimeMs,
      ),
    );
    assert.deepEqual(
      arrived,
      arrived.toSorted((a, b) => a - b),
    );
    await assertSame(vault, ...made.map(({ folder }) => folder));
    const again = await deliver('vault');
    assert.deepEqual([again.state, again.copied.backups], ['served', 0]);
  });

  it('copies only tiers that are taken, and of evidence what belongs to them', async () => {
    const daily = await backup();
    const monthly = await backup({ tier: 'monthly', scheduled: '2026-11-01T03:00:00Z' });
    for (const key of [
      'recovery-points/daily-2026-11-23T02:00:00Z.json',
      `evidence/postgres/${daily.name.id}/2026-11-23T02:01:00.000Z-verify.json`,
      `evidence/postgres/${monthly.name.id}/2026-11-01T03:01:00.000Z-verify.json`,
    ])
      await directoryStore(site.repository).putSmall(key, Buffer.from('{}'), { replace: false });
    const served = await deliver('archive');
    assert.deepEqual([served.state, served.copied.backups, served.copied.records], ['served', 1, 2]);
    const archive = site.config.destinations['archive'];
    assert.deepEqual(await keysIn(archive?.type === 'directory' ? archive.path : ''), [
      `evidence/postgres/${monthly.name.id}/2026-11-01T03:01:00.000Z-verify.json`,
      `${monthly.folder}/base.tar.zst.age`,
      `${monthly.folder}/key.age`,
      `${monthly.folder}/manifest.json`,
      'recovery-points/daily-2026-11-23T02:00:00Z.json',
    ]);
  });

  it('what retention keeps no longer is owed to nobody', async () => {
    const config = { ...site.config, retention: { ...site.config.retention, prune: true } };
    const now = `${new Date().toISOString().slice(0, 10)}T00:00:00Z`;
    const fields = { host: site.host, started: now, finished: now };
    await backup({ scheduled: '2020-01-01T02:00:00Z' });
    const kept = await backup({ scheduled: now, fields });
    const delivered = await deliver('vault', { site: { ...site, config } });
    assert.deepEqual([delivered.state, delivered.copied.backups], ['served', 1], JSON.stringify(delivered));
    await assertSame(vault, kept.folder);
  });

  it('a recovery point that was signed again replaces the one before', async () => {
    const key = 'recovery-points/daily-2026-11-23T02:00:00Z.json';
    await prepareRepository(site);
    const here = directoryStore(site.repository);
    await here.putSmall(key, Buffer.from('{"outcome":"partial"}'), { replace: true });
    assert.equal((await deliver('vault')).copied.records, 1);
    await here.putSmall(key, Buffer.from('{"outcome":"complete"}'), { replace: true });
    assert.equal((await deliver('vault')).copied.records, 1);
    assert.deepEqual(await directoryStore(vault).readSmall(key), await here.readSmall(key));
  });

  it('a recovery point that could not be replaced is owed again once it lies there no more', async () => {
    const key = 'recovery-points/daily-2026-11-23T02:00:00Z.json';
    await prepareRepository(site);
    const [from, to] = [directoryStore(site.repository), directoryStore(vault)];
    await from.putSmall(key, Buffer.from('{"outcome":"complete"}'), { replace: true });
    const wanted = await wantedAt(from, []);
    const before = { compared: '', held: [], records: {}, kept: { [key]: wanted.records.get(key) ?? 0 } };
    const owed = async () => {
      const held = await heldAt({ from, to, tops: [] }, { wanted, before, now: NOON });
      return (await owedOf({ site, destination: 'vault' }, from, wanted, held)).records;
    };
    assert.deepEqual(await owed(), [key]);
    await to.putSmall(key, Buffer.from('{"outcome":"partial"}'), { replace: true });
    assert.deepEqual(await owed(), []);
  });

  it('a record that is another one there is told, and keeps neither a backup nor another record from its copy', async () => {
    const made = await backup();
    const here = directoryStore(site.repository);
    const keys = ['2026-11-23T02:01:00.000Z', '2026-11-23T02:02:00.000Z'].map(
      (time) => `evidence/postgres/${made.name.id}/${time}-verify.json`,
    );
    for (const key of keys) await here.putSmall(key, Buffer.from('{}'), { replace: false });
    await directoryStore(vault).putSmall(keys[0] ?? '', Buffer.from('cut off'), { replace: false });
    const delivered = await deliver('vault');
    assert.deepEqual([delivered.state, delivered.copied.backups, delivered.copied.records], ['behind', 1, 1]);
    assert.deepEqual(delivered.behind, { backups: 0, bytes: 0, since: null, records: 1 });
    assert.deepEqual(
      delivered.errors.map(({ code }) => code),
      ['conflict'],
    );
    await assertSame(vault, made.folder);
    assert.deepEqual(Buffer.from((await directoryStore(vault).readSmall(keys[0] ?? '')) ?? []), Buffer.from('cut off'));
  });

  it('what somebody has put under the id of a coming backup is no copy: told and owed at each tick, and keeps no other from its copy', async () => {
    const stranger = signer(newSigningKey().privatePem);
    const foreign = await writeBackup(vault, {
      scheduled: '2026-11-22T02:00:00Z',
      source: 'other-site',
      signer: stranger,
    });
    const [junk, forged] = [await backup(), await backup({ scheduled: '2026-11-24T02:00:00Z' })];
    const other = await backup({ scheduled: '2026-11-25T02:00:00Z' });
    await directoryStore(vault).putSmall(`${junk.folder}/${MANIFEST}`, Buffer.from('junk'), { replace: false });
    const manifest = encodeManifest(foreign.manifest);
    await directoryStore(vault).putSmall(`${forged.folder}/${MANIFEST}`, manifest, { replace: false });
    for (const copied of [1, 0]) {
      const delivered = await deliver('vault');
      assert.deepEqual([delivered.state, delivered.copied.backups, delivered.behind?.backups], ['behind', copied, 2]);
      assert.deepEqual(
        delivered.errors.map(({ code }) => code),
        ['conflict', 'conflict'],
      );
    }
    await assertSame(vault, other.folder);
    for (const { folder } of [junk, forged]) await rm(path.join(vault, folder), { recursive: true });
    assert.equal((await deliver('vault')).state, 'served');
    // A rotation for one recipient more, of that place alone, makes no other backup of it.
    const longer = { ...other.manifest, key: `${other.manifest.key}and more` };
    await writeFile(path.join(vault, other.folder, MANIFEST), encodeManifest(longer));
    assert.deepEqual((await deliver('vault')).copied.backups, 0);
  });

  it('begins no copy behind its deadline, says what is left, and the next step goes on', async () => {
    const made = await chains();
    let now = NOON;
    const clock = () => (now += 1000);
    const cut = await deliver('vault', { deadline: 4000, clock });
    assert.equal(cut.state, 'behind');
    assert.ok(cut.copied.backups > 0 && cut.copied.backups < 4, JSON.stringify(cut.copied));
    assert.deepEqual(cut.behind?.backups, 4 - cut.copied.backups);
    assert.equal(cut.behind?.since, '2026-11-21T02:00:00Z');
    assert.deepEqual(cut.errors, []);
    assert.equal((await deliver('vault')).state, 'served');
    await assertSame(vault, ...made.map(({ folder }) => folder));
  });

  it('outside its windows a destination gets small records only', async () => {
    const { folder } = await backup();
    const key = 'recovery-points/daily-2026-11-23T02:00:00Z.json';
    await directoryStore(site.repository).putSmall(key, Buffer.from('{}'), { replace: false });
    const waiting = await deliver('nightly', { clock: () => NOON });
    assert.deepEqual([waiting.state, waiting.copied.backups, waiting.copied.records], ['waiting', 0, 1]);
    assert.equal(waiting.behind?.backups, 1);
    const served = await deliver('nightly', { clock: () => NIGHT });
    assert.equal(served.state, 'served');
    const nightly = site.config.destinations['nightly'];
    await assertSame(nightly?.type === 'directory' ? nightly.path : '', folder);
  });

  it('a removable disk is absent without an error, never filled below its mount point, and served when it is back', async () => {
    const first = await backup();
    const absent = await deliver('usb');
    assert.deepEqual([absent.state, absent.errors, absent.newest], ['absent', [], null]);
    assert.equal(absent.behind?.backups, 1);
    const copy = await copyToDestination({
      site,
      backup: pinned(first.manifest),
      destination: 'usb',
      work: testWork(),
    });
    assert.match('skipped' in copy ? copy.skipped : '', /removable disk is absent/);
    assert.deepEqual(await readdir(usb), [], 'the bare mount point');
    plugIn(disk, usb);
    assert.equal((await deliver('usb')).state, 'served');
    unmount(usb);
    const second = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: first.manifest });
    const away = await deliver('usb');
    assert.deepEqual([away.state, away.errors], ['absent', []]);
    assert.deepEqual(away.behind, { backups: 1, bytes: 100_000, since: '2026-11-24T02:00:00Z', records: 0 });
    assert.equal(away.newest, '2026-11-23T02:00:00Z', 'what it held when it was there');
    plugIn(disk, usb);
    assert.equal((await deliver('usb')).state, 'served');
    await assertSame(usb, first.folder, second.folder);
    unmount(usb);
    assert.deepEqual(await readdir(usb), []);
  });

  it('any other destination that is away fails, with what to do, and keeps nothing from the others', async () => {
    await backup();
    await deliver('vault');
    await backup({ scheduled: '2026-11-24T02:00:00Z' });
    await rm(path.join(vault, '.mosaic-backup.json'));
    const away = await deliver('vault');
    assert.equal(away.state, 'unreachable');
    assert.equal(away.behind?.backups, 1);
    assert.equal(away.errors[0]?.code, 'unreachable');
    assert.match(away.errors[0]?.remedy ?? '', /Mount its disk/);
  });

  it('what runs have copied there counts, though it went away before any catch-up looked at it', async () => {
    const full = await backup();
    const child = await backup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
    await copyToDestination({ site, backup: pinned(child.manifest), destination: 'vault', work: testWork() });
    await backup({ scheduled: '2026-11-25T02:00:00Z' });
    await rm(path.join(vault, '.mosaic-backup.json'));
    const away = await deliver('vault');
    assert.deepEqual([away.state, away.behind?.backups], ['unreachable', 1]);
  });

  it('two at once, and a run that copies the same, leave every object whole', async () => {
    const made = await chains();
    const [, , , child] = made;
    const [one, two, copied] = await Promise.all([
      deliver('vault'),
      deliver('vault'),
      copyToDestination({ site, backup: pinned(child.manifest), destination: 'vault', work: testWork() }),
    ]);
    assert.ok('bytes' in copied, 'the run waits for who is at it, and sees that it is there');
    assert.deepEqual([...one.errors, ...two.errors], []);
    assert.equal((await deliver('vault')).state, 'served');
    await assertSame(vault, ...made.map(({ folder }) => folder));
    assert.deepEqual(await readdir(path.join(site.state, 'copying', 'vault')), []);
  });

  it('killed in the middle of a copy it lists nothing half-made, and the next step ends well', async () => {
    const made = await backup({ artifacts: { 'a.age': randomBytes(1_000_000), 'b.age': randomBytes(5_000_000) } });
    const child = startChild(DELIVER_CHILD, { file, stopAt: 3_000_000 });
    await child.stopped();
    assert.deepEqual(await listBackups(directoryStore(vault)), []);
    assert.equal((await deliver('vault')).state, 'behind', 'another process is just at it');
    await child.signal('SIGKILL');
    assert.equal((await deliver('vault')).state, 'served');
    await assertSame(vault, made.folder);
  });

  it('what is damaged here is told, and keeps no other backup from its copy', async () => {
    const [, , full] = await chains();
    await writeFile(path.join(site.repository, full.folder, 'base.tar.zst.age'), randomBytes(100_000));
    await writeFile(path.join(site.repository, 'daily/postgres/20261121T020000Z-full', MANIFEST), 'not JSON');
    const delivered = await deliver('vault');
    assert.equal(delivered.state, 'behind');
    const told = delivered.errors.map(({ message }) => message).join('\n');
    assert.match(told, /20261121T020000Z-full in the repository cannot be read/);
    assert.match(told, /base\.tar\.zst\.age is damaged/);
    assert.deepEqual(await listBackups(directoryStore(vault)), []);
    assert.equal(delivered.behind?.backups, 4, 'with the one that cannot be read');
    const other = await backup({ source: 'db', scheduled: '2026-11-20T02:00:00Z' });
    await deliver('vault');
    await assertSame(vault, other.folder);
  });

  it('copies logs that no shipping copies any more, and leaves those of shipping to it', async () => {
    for (const source of ['db', 'gone']) await logs(source);
    await deliver('vault');
    assert.deepEqual(
      (await listBackups(directoryStore(vault))).map(({ folder }) => folder),
      ['logs/gone/2026-11-23/1-2'],
    );
  });

  async function logs(source: string): Promise<void> {
    const fields = { id: '1-2', tier: null, kind: 'logs', host: site.host };
    const made = await backup({ source, fields });
    const folder = path.join(site.repository, 'logs', source, '2026-11-23', '1-2');
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(path.join(site.repository, made.folder)))
      await writeFile(path.join(folder, name), await readFile(path.join(site.repository, made.folder, name)));
    await rm(path.join(site.repository, made.folder), { recursive: true });
  }
});
