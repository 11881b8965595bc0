import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loadSite } from '../../../../activities/config/load.ts';
import { withIdentities } from '../../../../activities/keys/at-hand.ts';
import { newIdentity, unwrapIdentity, wrapIdentity } from '../../../../activities/keys/identity.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { encodeManifest, parseManifest } from '../../../../activities/storage/manifest-file.ts';
import { mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { backUp, changeRecipients, makeRotatable, rotate, type Rotatable } from '../../../support/rotated.ts';
import { credentialFiles, startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';

const FOLDER = 'configs/stack/20261122T020000Z-full';

describe('keys in a bucket that lets nothing be changed', () => {
  let gateway: Gateway;
  let folder: string;
  let made: Rotatable;
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 60_000);

  before(async () => {
    gateway = await startGateway();
    await gateway.admin.createBucket({ Bucket: 'locked', ObjectLockEnabledForBucket: true });
    folder = await temporaryFolder();
    const remote = {
      type: 's3',
      bucket: 'locked',
      prefix: 'prod',
      endpoint: gateway.endpoint,
      credentials: await credentialFiles(folder),
      lock: 'governance',
    } as const;
    made = await makeRotatable(folder, { destinations: { remote } });
    await backUp(made.site, '2026-11-22T02:00:00Z');
    const destination = openDestination('remote', made.site);
    for await (const { key } of destination.list(FOLDER)) await destination.keep(key, until);
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  it('P48 the kit tells how a copy is fetched from it with rclone, and restored', async () => {
    const { stdout } = await mosaicHere(['-c', made.file, 'keys', 'kit']);
    const [, fetch = ''] = /^ *fetch: (AWS.*)$/m.exec(stdout) ?? [];
    const home = path.join(folder, 'empty machine');
    await fetchTo(home, fetch);
    const names = await readdir(path.join(home, 'backup'));
    assert.deepEqual(names.toSorted(), ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json']);
    // And the rest of the kit, with what was fetched so.
    const start = stdout.indexOf('BACKUP=');
    const commands = stdout.slice(start, stdout.indexOf('\ndone )\n', start) + '\ndone )\n'.length);
    await execa('sh', ['-e', '-c', commands.replace(/^IDENTITY=.*$/m, `IDENTITY='${made.identities[0]}'`)], {
      cwd: home,
    });
    assert.equal(await readFile(path.join(home, 'restored', made.data), 'utf8'), 'what was there first\n');
  });

  it('a rotation makes new versions, which are what is read; the old ones stay, open to the old key', async () => {
    const site = await changeRecipients(made);
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
    const Prefix = `prod/${FOLDER}/manifest.json`;
    const { Versions = [] } = await gateway.admin.listObjectVersions({ Bucket: 'locked', Prefix });
    assert.equal(Versions.length, 2);
    const [old, fresh] = await Promise.all([made.identities[0], made.fresh].map((file) => readFile(file, 'utf8')));
    for (const { VersionId, IsLatest } of Versions) {
      const { Body } = await gateway.admin.getObject({ Bucket: 'locked', Key: Prefix, VersionId });
      const { key } = parseManifest(await (Body?.transformToByteArray() ?? Promise.reject(new Error('no body'))));
      const opens = (identity = '') =>
        unwrapIdentity(key, identity).then(
          () => true,
          () => false,
        );
      assert.deepEqual([await opens(old), await opens(fresh)], IsLatest ? [false, true] : [true, false]);
    }
    const { ObjectLockRetainUntilDate: locked } = await gateway.admin.headObject({ Bucket: 'locked', Key: Prefix });
    assert.ok(locked && locked >= until, 'the new version is locked as long as the old one was');
    const alone = withIdentities(site, [await freshHolder()]);
    const store = openDestination('remote', alone);
    const to = path.join(folder, 'restored');
    await restoreBackup({ site: alone, store, chain: await listBackups(store), to, paths: [], work: testWork() });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there first\n');
    assert.equal(
      (await rotate(site, [made.fresh])).places.reduce((sum, { rewritten }) => sum + rewritten, 0),
      0,
    );
  });

  it('restores though somebody has put keys above ours that open and are of nothing here; a check tells it', async () => {
    const site = await loadSite({ file: made.file, env: process.env });
    const store = openDestination('remote', site);
    const [backup] = await listBackups(store);
    assert.ok(backup);
    // Recipients are no secret: whoever may write wraps a key of his own to them.
    const wrong = await wrapIdentity((await newIdentity()).identity, site.config.encryption.recipients);
    const bodies = { 'manifest.json': encodeManifest({ ...backup.manifest, key: wrong }), 'key.age': wrong };
    // By its time in seconds rclone names an older version, and this server dates it by when it was replaced.
    await pause(1_100);
    for (const [name, Body] of Object.entries(bodies))
      await gateway.admin.putObject({ Bucket: 'locked', Key: `prod/${FOLDER}/${name}`, Body });
    const alone = withIdentities(site, [await freshHolder()]);
    const from = openDestination('remote', alone);
    const chain = await listBackups(from);
    assert.equal(chain[0]?.manifest.key, wrong, 'the test replaces nothing');
    const to = path.join(folder, 'restored-all-the-same');
    await restoreBackup({ site: alone, store: from, chain, to, paths: [], work: testWork() });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there first\n');
    // As the kit says, what was there before is had with rclone as well.
    const { stdout } = await mosaicHere(['-c', made.file, 'keys', 'kit', '--identity', made.fresh]);
    const [, fetch = '', more = ''] = /^ *fetch: (AWS.*)\n.*Add (--s3-versions): /m.exec(stdout) ?? [];
    const home = path.join(folder, 'another empty machine');
    await fetchTo(home, `${fetch} ${more}`);
    const before = (await readdir(path.join(home, 'backup'))).filter((name) => /^manifest-v.*\.json$/.test(name));
    const manifests = await Promise.all(
      before.map(async (name) => parseManifest(await readFile(path.join(home, 'backup', name)))),
    );
    assert.ok(manifests.some(({ key }) => key === backup.manifest.key));
    const checked = await mosaicHere(['-c', made.file, 'keys', 'check', '--identity', made.fresh]);
    assert.equal(checked.code, 9, checked.stdout);
    assert.match(checked.stdout, /remote: its key opens, but what it holds does not open its artifacts/);
  });

  /** By the literal command of the kit, with what it leaves out. */
  async function fetchTo(home: string, command: string): Promise<void> {
    const [id, secret] = await Promise.all(
      ['s3-key-id', 's3-secret'].map((name) => readFile(path.join(folder, name), 'utf8')),
    );
    const literal = command
      .replace('AWS_ACCESS_KEY_ID=…', `AWS_ACCESS_KEY_ID=${(id ?? '').trim()}`)
      .replace('AWS_SECRET_ACCESS_KEY=…', `AWS_SECRET_ACCESS_KEY=${(secret ?? '').trim()}`)
      .replace('FOLDER', FOLDER);
    await mkdir(home);
    await execa('sh', ['-c', literal], {
      cwd: home,
      extendEnv: false,
      env: { PATH: process.env['PATH'] ?? '', HOME: home },
    });
  }

  async function freshHolder() {
    return { identity: (await readFile(made.fresh, 'utf8')).trim(), recipient: made.freshRecipient };
  }
});
