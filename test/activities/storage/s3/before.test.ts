/** A bucket as it was before an attack, by somebody who has the host's own signing key. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { newIdentity, wrapIdentity } from '../../../../activities/keys/identity.ts';
import { readCatalogue } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { encodeManifest, parseManifest } from '../../../../activities/storage/manifest-file.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import { storedOf, TEST_KEY, testBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { credentialsOf, startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { makeBucket } from './place.ts';

const CONTENT = randomBytes(10_000);
const NAME = 'base.tar.zst.age';

describe('a bucket as it was', function () {
  this.timeout(60_000);
  let gateway: Gateway;
  let folder: string;
  let key: string;

  before(async () => {
    gateway = await startGateway();
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'object'), CONTENT);
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  async function siteOf(bucket: string): Promise<TestSite> {
    const test = await makeSite({
      folder,
      sources: { postgres: { type: 'files', paths: [path.join(folder, 'data')] } },
      destinations: {
        remote: {
          type: 's3',
          bucket,
          endpoint: gateway.endpoint,
          credentials: credentialsOf(),
          lock: 'governance',
        },
      },
      signing: { trusted: [TEST_KEY.publicKey] },
    });
    key = await wrapIdentity((await newIdentity()).identity, test.site.config.encryption.recipients);
    return test;
  }

  function asItWas({ site }: TestSite, before: Date, lockedOnly = false): Destination {
    const remote = site.config.destinations['remote'];
    assert.ok(remote?.type === 's3');
    const destinations = { remote: { ...remote, before: before.toISOString(), lockedOnly } };
    return openDestination('remote', { ...site, config: { ...site.config, destinations } });
  }

  it('shows nothing that was stored later, whoever has signed it', async () => {
    const bucket = await makeBucket(gateway, { lock: true });
    const test = await siteOf(bucket);
    const now = openDestination('remote', test.site);
    const put = (Key: string, Body: Uint8Array) => gateway.admin.putObject({ Bucket: bucket, Key, Body });
    const ours = testBackup({ artifacts: { [NAME]: CONTENT }, fields: { key } });
    const object = path.join(folder, 'object');
    const until = new Date(Date.now() + 60_000);
    await now.put(`${ours.folder}/${NAME}`, object, storedOf(CONTENT), testWork(), { until });
    await now.putSmall(`${ours.folder}/manifest.json`, encodeManifest(ours.manifest), { replace: false, until });
    await now.putSmall('recovery-points/x.json', Buffer.from('ours'), { replace: true });
    await pause(1_100);
    const attacked = new Date();
    await pause(1_100);
    const junk = randomBytes(CONTENT.length);
    const over = testBackup({ artifacts: { [NAME]: junk }, fields: { key } });
    const older = testBackup({ scheduled: '2026-11-22T02:00:00Z', artifacts: { [NAME]: junk }, fields: { key } });
    for (const each of [over, older]) {
      await put(`${each.folder}/${NAME}`, junk);
      await put(`${each.folder}/manifest.json`, encodeManifest(each.manifest));
    }
    await put('recovery-points/x.json', junk);
    await gateway.admin.deleteObject({ Bucket: bucket, Key: 'recovery-points/x.json' });
    await gateway.admin.deleteObject({ Bucket: bucket, Key: `${ours.folder}/${NAME}` });

    const forged = await readCatalogue(openDestination('remote', test.site));
    assert.equal(forged.backups.length, 2, 'signed as they are, they are believed where nothing is said of before');
    const then = asItWas(test, attacked);
    const { backups, problems, warnings } = await readCatalogue(then);
    assert.deepEqual([backups.map(({ manifest }) => manifest), problems, warnings], [[ours.manifest], [], []]);
    assert.ok((await buffer(await then.open(`${ours.folder}/${NAME}`))).equals(CONTENT));
    assert.deepEqual(await then.digest(`${ours.folder}/${NAME}`, testWork()), storedOf(CONTENT));
    assert.equal(String(Buffer.from((await then.readSmall('recovery-points/x.json')) ?? [])), 'ours');
    assert.equal(await then.readSmall(`${older.folder}/manifest.json`), undefined);
    await assert.rejects(then.open(`${older.folder}/${NAME}`), { code: 'not-found' });
    assert.ok((await then.lockedUntil?.(`${ours.folder}/${NAME}`)) !== null);

    const locked = asItWas(test, attacked, true);
    assert.equal((await readCatalogue(locked)).backups.length, 1);
    assert.equal(await locked.readSmall('recovery-points/x.json'), undefined, 'what no lock keeps is gone');
    await assert.rejects(then.putSmall('drills/x.json', junk, { replace: true }), { code: 'refused' });
    await assert.rejects(then.put('daily/x', object, storedOf(CONTENT), testWork()), { code: 'refused' });
  });

  it('opens with the keys of today what was there before they were rotated', async () => {
    const bucket = await makeBucket(gateway, { lock: true });
    const test = await siteOf(bucket);
    const now = openDestination('remote', test.site);
    const strangers = await Promise.all([newIdentity(), newIdentity()]);
    const old = await wrapIdentity(
      (await newIdentity()).identity,
      strangers.map(({ recipient }) => recipient),
    );
    const backup = testBackup({ fields: { key: old } });
    const at = `${backup.folder}/manifest.json`;
    await now.putSmall(at, encodeManifest(backup.manifest), { replace: false });
    await pause(1_100);
    const attacked = new Date();
    await pause(1_100);
    await now.putSmall(at, encodeManifest({ ...backup.manifest, key }), { replace: true });
    // His own opens too, and says something else.
    const forged = testBackup({ fields: { key, warnings: ['forged'] } });
    await gateway.admin.putObject({ Bucket: bucket, Key: at, Body: encodeManifest(forged.manifest) });
    const read = parseManifest((await asItWas(test, attacked).readSmall(at)) ?? new Uint8Array());
    assert.deepEqual([read.key, read.warnings], [key, []]);
  });

  it('tells that nobody knows, where the bucket keeps no versions', async () => {
    const test = await siteOf(await makeBucket(gateway));
    await assert.rejects(readCatalogue(asItWas(test, new Date())), (error: Error) => {
      assert.match(error.message, /keeps no versions: nobody can tell what it held before/);
      return true;
    });
  });
});
