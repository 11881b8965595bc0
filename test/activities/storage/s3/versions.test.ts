/** Buckets that keep versions: what somebody with the writing credentials can do, and what is believed all the same. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { newIdentity, wrapIdentity } from '../../../../activities/keys/identity.ts';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import { readCatalogue } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { encodeManifest, parseManifest } from '../../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { storedOf, TEST_KEY, testBackup, writeBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { credentialsOf, startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, listed, makeBucket } from './place.ts';

const CONTENT = randomBytes(70_000);

describe('versions and locks in S3', () => {
  let gateway: Gateway;
  let bucket: string;
  let test: TestSite;
  let destination: Destination;
  let file: string;
  /** The manifest as it was written, and its keys. */
  let manifest: Uint8Array;
  let keys: { readonly manifest: string; readonly artifact: string };

  before(async () => {
    gateway = await startGateway();
  });
  beforeEach(async () => {
    bucket = await makeBucket(gateway, { lock: true });
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    test = await makeSite({
      folder,
      sources: { postgres: { type: 'files', paths: [path.join(folder, 'data')] } },
      destinations: {
        remote: {
          type: 's3',
          bucket,
          endpoint: gateway.endpoint,
          credentials: credentialsOf(),
          prune: true,
          lock: 'governance',
        },
      },
      ...trusting(TEST_KEY.publicKey),
    });
    destination = openDestination('remote', test.site);
    file = path.join(folder, 'object');
    await writeFile(file, CONTENT);
    const wrapped = await wrapIdentity((await newIdentity()).identity, test.site.config.encryption.recipients);
    const backup = testBackup({ artifacts: { 'base.tar.zst.age': CONTENT }, fields: { key: wrapped } });
    keys = { manifest: `${backup.folder}/manifest.json`, artifact: `${backup.folder}/base.tar.zst.age` };
    manifest = encodeManifest(backup.manifest);
    await destination.put(keys.artifact, file, storedOf(CONTENT), testWork());
    await destination.putSmall(keys.manifest, manifest, { replace: false });
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  /** A new look, which remembers nothing of an earlier one. */
  function anew(): Destination {
    return openDestination('remote', test.site);
  }

  async function overwrite(key: string, body: Uint8Array): Promise<void> {
    await gateway.admin.putObject({ Bucket: bucket, Key: key, Body: body });
  }

  it('reads the newest manifest that a trusted key has signed, whatever was put above it', async () => {
    await overwrite(keys.manifest, Buffer.from('not a manifest'));
    assert.deepEqual(Buffer.from((await anew().readSmall(keys.manifest)) ?? []), Buffer.from(manifest));
    const foreign = testBackup({ signer: signer(newSigningKey().privatePem) });
    await overwrite(keys.manifest, encodeManifest(foreign.manifest));
    const { backups, problems } = await readCatalogue(anew());
    assert.deepEqual(problems, []);
    assert.deepEqual(
      backups.map((backup) => encodeManifest(backup.manifest)),
      [Buffer.from(manifest)],
    );
  });

  it('reads the newest manifest whose key the identity at hand opens, and a rotated one before the old', async () => {
    const signed = parseManifest(manifest);
    const elsewhere = await wrapIdentity((await newIdentity()).identity, [
      (await newIdentity()).recipient,
      (await newIdentity()).recipient,
    ]);
    await overwrite(keys.manifest, encodeManifest({ ...signed, key: elsewhere }));
    assert.deepEqual(Buffer.from((await anew().readSmall(keys.manifest)) ?? []), Buffer.from(manifest));
    const rotated = await wrapIdentity((await newIdentity()).identity, test.site.config.encryption.recipients);
    await destination.putSmall(keys.manifest, encodeManifest({ ...signed, key: rotated }), { replace: true });
    const read = await anew().readSmall(keys.manifest);
    assert.equal(parseManifest(read ?? new Uint8Array()).key, rotated);
  });

  it('takes the manifest of another backup, signed as well, for none of this one', async () => {
    const wrapped = parseManifest(manifest).key;
    const other = testBackup({ scheduled: '2026-11-22T02:00:00Z', fields: { key: wrapped } });
    await overwrite(keys.manifest, encodeManifest(other.manifest));
    const { backups, problems } = await readCatalogue(anew());
    assert.deepEqual(problems, []);
    assert.deepEqual(
      backups.map((backup) => encodeManifest(backup.manifest)),
      [Buffer.from(manifest)],
    );
  });

  it('copies over what somebody has put under the id of a coming backup: ours is what is read, and his stays below', async () => {
    const { site } = test;
    const of = { artifacts: { 'base.tar.zst.age': CONTENT }, fields: { key: parseManifest(manifest).key } };
    const coming = await writeBackup(site.repository, { scheduled: '2026-11-24T02:00:00Z', ...of });
    const forged = testBackup({ scheduled: '2026-11-24T02:00:00Z', signer: signer(newSigningKey().privatePem) });
    for (const junk of [Buffer.from('junk'), encodeManifest(forged.manifest)]) {
      for (const name of ['base.tar.zst.age', 'key.age'])
        await overwrite(`${coming.folder}/${name}`, randomBytes(70_000));
      await overwrite(`${coming.folder}/manifest.json`, junk);
    }
    const from = repositoryStore(site.repository);
    await copyBackup({ site, from, to: anew(), backup: coming, catalogue: [coming], work: testWork() });
    const { backups, problems } = await readCatalogue(anew());
    assert.deepEqual(problems, []);
    assert.deepEqual(
      backups.map(({ folder, manifest: { signature } }) => [
        folder,
        signature.keyId === coming.manifest.signature.keyId,
      ]),
      [
        [path.posix.dirname(keys.manifest), true],
        [coming.folder, true],
      ],
    );
    assert.deepEqual(await anew().digest(`${coming.folder}/base.tar.zst.age`, testWork()), storedOf(CONTENT));
    const Prefix = `${coming.folder}/manifest.json`;
    const { Versions = [] } = await gateway.admin.listObjectVersions({ Bucket: bucket, Prefix });
    assert.equal(Versions.length, 3);
  });

  it('leaves another backup of ours that has the id', async () => {
    const { site } = test;
    const of = { fields: { key: parseManifest(manifest).key, finished: '2026-11-23T03:00:00Z' } };
    const other = await writeBackup(site.repository, of);
    const from = repositoryStore(site.repository);
    await assert.rejects(copyBackup({ site, from, to: anew(), backup: other, catalogue: [other], work: testWork() }), {
      code: 'conflict',
    });
  });

  it('tells what is wrong with the newest where no version is accepted', async () => {
    const key = 'daily/postgres/20261124T020000Z-full/manifest.json';
    await overwrite(key, Buffer.from('first'));
    await overwrite(key, Buffer.from('second'));
    assert.equal(String(Buffer.from((await anew().readSmall(key)) ?? [])), 'second');
    const { problems } = await readCatalogue(anew());
    assert.match(problems.map(({ problem }) => problem).join(), /is not JSON/);
  });

  it('lists a backup whose manifest somebody has hidden, and says so', async () => {
    await gateway.admin.deleteObject({ Bucket: bucket, Key: keys.manifest });
    await gateway.admin.deleteObject({ Bucket: bucket, Key: keys.artifact });
    const { backups, problems, warnings } = await readCatalogue(anew());
    assert.deepEqual([backups.length, problems], [1, []]);
    assert.match(warnings.map(({ problem }) => problem).join(), /hidden its manifest by a delete marker/);
    const bytes = await buffer(await anew().open(keys.artifact));
    assert.ok(bytes.equals(CONTENT), 'and its artifact is read');
    const objects = await listed(anew().list(path.posix.dirname(keys.artifact)));
    assert.deepEqual(
      objects.map(({ key }) => key),
      [keys.manifest],
      'an artifact that is hidden counts as missing',
    );
    await destination.put(keys.artifact, file, storedOf(CONTENT), testWork());
    await destination.putSmall(keys.manifest, manifest, { replace: true });
    const mended = await readCatalogue(anew());
    assert.deepEqual([mended.backups.length, mended.warnings], [1, []]);
  });

  it('finds an artifact that was overwritten by the digest in its manifest', async () => {
    await overwrite(keys.artifact, CONTENT.toReversed());
    assert.deepEqual(await anew().digest(keys.artifact, testWork()), storedOf(CONTENT));
    assert.ok((await buffer(await anew().open(keys.artifact))).equals(CONTENT));
  });

  it('believes no artifact that only says of itself that it is the one', async () => {
    // Of one in parts the server has computed no checksum of the whole: those are read.
    const large = randomBytes(6 * 2 ** 20);
    const context = await contextOf(gateway, bucket, { partSize: 5 * 2 ** 20 });
    const at = `${path.posix.dirname(keys.manifest)}/large`;
    const both = testBackup({
      artifacts: { 'base.tar.zst.age': CONTENT, large },
      fields: { key: parseManifest(manifest).key },
    });
    await writeFile(file, large);
    await destinationOf(context).put(at, file, storedOf(large), testWork());
    await overwrite(keys.manifest, encodeManifest(both.manifest));
    for (const [key, right] of [
      [keys.artifact, CONTENT],
      [at, large],
    ] as const) {
      const Metadata = { sha256: storedOf(right).sha256 };
      await gateway.admin.putObject({ Bucket: bucket, Key: key, Body: right.toReversed(), Metadata });
      assert.deepEqual(await anew().digest(key, testWork()), storedOf(right), key);
      assert.ok((await buffer(await anew().open(key))).equals(right), key);
    }
  });

  it('finds both below very many that somebody has put above them, and keeps those locked that it finds', async () => {
    await destination.keep(keys.manifest, later(60));
    for (let count = 0; count < 30; count += 1) {
      await overwrite(keys.manifest, Buffer.from(`no manifest ${count}`));
      await overwrite(keys.artifact, randomBytes(CONTENT.length));
    }
    await destination.putSmall(keys.manifest, Buffer.from('none either'), { replace: true });
    assert.deepEqual(Buffer.from((await anew().readSmall(keys.manifest)) ?? []), Buffer.from(manifest));
    assert.deepEqual(await anew().digest(keys.artifact, testWork()), storedOf(CONTENT));
    for (const key of Object.values(keys)) {
      await anew().keep(key, later(7_200));
      assert.deepEqual(await anew().lockedUntil?.(key), later(7_200), key);
    }
    assert.deepEqual(await lockOf(keys.artifact), [undefined, undefined], 'and not what is above');
  });

  it('locks until the date that it is told, makes a lock longer and never shorter', async () => {
    const until = later(3_600);
    const key = 'daily/postgres/20261125T020000Z-full/base';
    await destination.put(key, file, storedOf(CONTENT), testWork(), { until });
    assert.deepEqual(await lockOf(key), ['GOVERNANCE', until.toISOString()]);
    await destination.keep(key, later(60));
    assert.deepEqual(await lockOf(key), ['GOVERNANCE', until.toISOString()], 'not shorter');
    await destination.keep(key, later(7_200));
    assert.deepEqual(await lockOf(key), ['GOVERNANCE', later(7_200).toISOString()]);
    assert.deepEqual(await destination.lockedUntil?.(key), later(7_200));
    await destination.put(key, file, storedOf(CONTENT), testWork(), { until: later(9_000) });
    assert.deepEqual(await lockOf(key), ['GOVERNANCE', later(9_000).toISOString()], 'of what is there already too');
    const small = 'daily/postgres/20261125T020000Z-full/manifest.json';
    await destination.putSmall(small, Buffer.from('{}'), { replace: false, until });
    assert.deepEqual(await lockOf(small), ['GOVERNANCE', until.toISOString()]);
    await destination.putSmall(small, Buffer.from('{"key":"rotated"}'), { replace: true });
    assert.deepEqual(await lockOf(small), ['GOVERNANCE', until.toISOString()], 'what replaces it is locked as long');
    const { Versions = [] } = await gateway.admin.listObjectVersions({ Bucket: bucket, Prefix: small });
    assert.equal(Versions.length, 2, 'a rewrite of what is locked is a new version');
    await assert.rejects(
      async () => (await destination.pruner())?.remove(small),
      (error: BackupError) => {
        assert.equal(error.code, 'refused', error.stack);
        assert.ok(error.message.includes(until.toISOString()), error.message);
        return true;
      },
    );
    assert.equal(
      String(Buffer.from((await destination.readSmall(small)) ?? [])),
      '{"key":"rotated"}',
      'all of it is there',
    );
  });

  it('locks an artifact of several parts', async () => {
    const bytes = randomBytes(6 * 2 ** 20);
    const large = path.join(path.dirname(file), 'large');
    await writeFile(large, bytes);
    const context = await contextOf(gateway, bucket, { partSize: 5 * 2 ** 20, lock: 'compliance' });
    const key = 'daily/postgres/20261126T020000Z-full/base';
    await destinationOf(context).put(key, large, storedOf(bytes), testWork(), { until: later(5) });
    assert.deepEqual(await lockOf(key), ['COMPLIANCE', later(5).toISOString()]);
  });

  it('deletes every version and mark', async () => {
    await overwrite(keys.manifest, Buffer.from('newer'));
    await gateway.admin.deleteObject({ Bucket: bucket, Key: keys.manifest });
    await (await destination.pruner())?.remove(keys.manifest);
    const { Versions = [], DeleteMarkers = [] } = await gateway.admin.listObjectVersions({
      Bucket: bucket,
      Prefix: keys.manifest,
    });
    assert.deepEqual([Versions, DeleteMarkers], [[], []]);
    assert.equal(await anew().readSmall(keys.manifest), undefined);
  });

  it('of two who write one manifest at the same moment, one is told of the conflict', async () => {
    const plain = await makeBucket(gateway);
    const writers = await Promise.all([contextOf(gateway, plain), contextOf(gateway, plain)]);
    const bodies = ['one', 'two'].map((text) => Buffer.from(text));
    const key = 'daily/postgres/20261127T020000Z-full/manifest.json';
    const ends = await Promise.allSettled(
      writers.map((context, index) =>
        destinationOf(context).putSmall(key, bodies[index] ?? Buffer.of(), { replace: false }),
      ),
    );
    assert.deepEqual(ends.map(({ status }) => status).toSorted(byText), ['fulfilled', 'rejected']);
    const loser = ends.find(({ status }) => status === 'rejected');
    assert.equal(loser?.status === 'rejected' && loser.reason.code, 'conflict');
    const winner = ends.findIndex(({ status }) => status === 'fulfilled');
    const [reader] = writers;
    assert.ok(reader);
    assert.deepEqual(Buffer.from((await destinationOf(reader).readSmall(key)) ?? []), bodies[winner]);
  });

  it('says that a bucket without locks has none', async () => {
    const plain = await makeBucket(gateway);
    const unlockable = destinationOf(await contextOf(gateway, plain, { lock: 'governance' }));
    await assert.rejects(unlockable.probe(), (error: BackupError) => {
      assert.equal(error.code, 'config', error.stack);
      assert.match(error.message, /no Object Lock/);
      return true;
    });
  });

  async function lockOf(key: string): Promise<readonly [mode: string | undefined, until: string | undefined]> {
    const head = await gateway.admin.headObject({ Bucket: bucket, Key: key });
    return [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.toISOString()];
  }
});

/** A date so many seconds from when this file began, whole as S3 keeps it. */
function later(seconds: number): Date {
  return new Date((Math.floor(BEGAN / 1000) + 600 + seconds) * 1000);
}
const BEGAN = Date.now();

function byText(one: string, two: string): number {
  return one.localeCompare(two);
}

function trusting(publicKey: string) {
  return { signing: { trusted: [publicKey] } };
}
