import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { withIdentities } from '../../../../activities/keys/at-hand.ts';
import { unwrapIdentity } from '../../../../activities/keys/identity.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { parseManifest } from '../../../../activities/storage/manifest-file.ts';
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

  it('P48 the kit tells how a copy is fetched from it with rclone', async () => {
    const { stdout } = await mosaicHere(['-c', made.file, 'keys', 'kit']);
    const [, fetch = ''] = /^ *fetch: (AWS.*)$/m.exec(stdout) ?? [];
    const [id, secret] = await Promise.all(
      ['s3-key-id', 's3-secret'].map((name) => readFile(path.join(folder, name), 'utf8')),
    );
    const literal = fetch
      .replace('AWS_ACCESS_KEY_ID=…', `AWS_ACCESS_KEY_ID=${(id ?? '').trim()}`)
      .replace('AWS_SECRET_ACCESS_KEY=…', `AWS_SECRET_ACCESS_KEY=${(secret ?? '').trim()}`)
      .replace('FOLDER', FOLDER);
    const home = path.join(folder, 'empty machine');
    await mkdir(home);
    await execa('sh', ['-c', literal], {
      cwd: home,
      extendEnv: false,
      env: { PATH: process.env['PATH'] ?? '', HOME: home },
    });
    const names = await readdir(path.join(home, 'backup'));
    assert.deepEqual(names.toSorted(), ['base.tar.zst.age', 'inventory.zst.age', 'key.age', 'manifest.json']);
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
    const alone = withIdentities(site, [{ identity: (fresh ?? '').trim(), recipient: made.freshRecipient }]);
    const store = openDestination('remote', alone);
    const to = path.join(folder, 'restored');
    await restoreBackup({ site: alone, store, chain: await listBackups(store), to, paths: [], work: testWork() });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there first\n');
    assert.equal(
      (await rotate(site, [made.fresh])).places.reduce((sum, { rewritten }) => sum + rewritten, 0),
      0,
    );
  });
});
