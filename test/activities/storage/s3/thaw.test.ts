import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import type { S3Destination } from '../../../../model/config/destinations/s3.ts';
import { thawConfig } from '../../../../model/config/destinations/thaw.ts';
import { storedOf, testBackup } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMoto, stopMoto, type Moto } from '../../../support/moto/index.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { thawingConformance } from '../thawing.ts';
import { contextOf, makeBucket } from './place.ts';

const KEY = 'yearly/postgres/20260104T020000Z-full/base.tar.zst.age';
const OPTIONS = { speed: 'standard', days: 7 } as const;

describe('S3 of cold storage, on moto', () => {
  let moto: Moto;

  before(async () => {
    moto = await startMoto();
  });
  after(async () => {
    await stopMoto();
    await cleanUp();
  });

  async function coldContext(config: Partial<S3Destination>, versions = false) {
    return contextOf(moto, await makeBucket(moto, { versions }), config);
  }

  async function fileOf(text: string) {
    const file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, text);
    return { file, expected: storedOf(Buffer.from(text)) };
  }

  for (const storageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
    thawingConformance(`s3, class ${storageClass}`, async () => {
      await moto.hold();
      const context = await coldContext({ storageClass });
      const own = async () =>
        (await moto.asked()).filter(({ object }) => object.startsWith(`${context.config.bucket}/`));
      return {
        context,
        hold: () => moto.hold(),
        release: () => moto.release(),
        asked: async () => (await own()).length,
      };
    });
  }

  it('has the speeds of its class', async () => {
    const glacier = destinationOf(await coldContext({ storageClass: 'GLACIER' })).thawing?.takes;
    const deep = destinationOf(await coldContext({ storageClass: 'DEEP_ARCHIVE' })).thawing?.takes;
    assert.deepEqual(glacier?.expedited, { least: 60_000, most: 300_000 });
    assert.equal(deep?.expedited, undefined);
    assert.equal(deep?.bulk?.most, 48 * 3_600_000);
  });

  it('GLACIER_IR and manifests can be read at once', async () => {
    const instant = destinationOf(await coldContext({ storageClass: 'GLACIER_IR' }));
    assert.equal(instant.thawing, undefined);
    const { file, expected } = await fileOf('at once');
    await instant.put(KEY, file, expected, testWork());
    assert.deepEqual(await instant.digest(KEY, testWork()), expected);
    const cold = destinationOf(await coldContext({ storageClass: 'DEEP_ARCHIVE' }));
    await cold.putSmall('yearly/x/manifest.json', Buffer.from('{}'), { replace: false });
    assert.deepEqual(await cold.thawing?.state('yearly/x/manifest.json'), { state: 'readable' });
    assert.equal(String(Buffer.from((await cold.readSmall('yearly/x/manifest.json')) ?? [])), '{}');
  });

  it('what a rule of the bucket has frozen is brought back as well, where the config says that there is one', async () => {
    await moto.hold();
    const frozen = await coldContext({ storageClass: 'GLACIER' });
    const { file, expected } = await fileOf('moved by a rule');
    await destinationOf(frozen).put(KEY, file, expected, testWork());
    const { storageClass: _cold, ...config } = frozen.config;
    const ruled = destinationOf({ ...frozen, config: { ...config, thaw: thawConfig.parse({}) } });
    assert.deepEqual(await ruled.thawing?.state(KEY), { state: 'frozen' });
    assert.equal(destinationOf({ ...frozen, config }).thawing, undefined);
  });

  it('asks for the version that is meant, and not for what somebody has put above it', async () => {
    await moto.hold();
    const context = await coldContext({ storageClass: 'GLACIER' }, true);
    const cold = destinationOf(context);
    const { file, expected } = await fileOf('the good one');
    await cold.put(KEY, file, expected, testWork());
    const { bucket } = context.config;
    const [good] = (await moto.admin.listObjectVersions({ Bucket: bucket })).Versions ?? [];
    const manifest = { artifacts: [{ role: 'base', name: 'base.tar.zst.age', ...expected, plainBytes: 1 }] };
    await cold.putSmall(`${path.posix.dirname(KEY)}/manifest.json`, manifestWith(manifest), { replace: false });
    await moto.admin.putObject({ Bucket: bucket, Key: KEY, Body: 'put above it', StorageClass: 'GLACIER' });
    await cold.thawing?.ask(KEY, OPTIONS);
    const asked = (await moto.asked()).filter(({ object }) => object === `${bucket}/${KEY}`);
    assert.deepEqual(
      asked.map(({ version }) => version),
      [good?.VersionId],
    );
  });

  it('what would freeze again soon is kept for longer, and what has half of its days left is not', async () => {
    await moto.release();
    const context = await coldContext({ storageClass: 'DEEP_ARCHIVE' });
    const cold = destinationOf(context);
    const { file, expected } = await fileOf('readable');
    await cold.put(KEY, file, expected, testWork());
    const days = async () => {
      const now = await cold.thawing?.state(KEY);
      assert.ok(now?.state === 'readable' && now.until !== undefined);
      return Math.round((now.until.getTime() - Date.now()) / 86_400_000);
    };
    await cold.thawing?.ask(KEY, { ...OPTIONS, days: 2 });
    assert.equal(await days(), 2);
    await cold.thawing?.ask(KEY, { ...OPTIONS, days: 3 });
    assert.equal(await days(), 2);
    await cold.thawing?.ask(KEY, { ...OPTIONS, days: 7 });
    assert.equal(await days(), 7);
  });

  it('what lies frozen is not copied within the bucket, so that it is sent', async () => {
    await moto.hold();
    const cold = destinationOf(await coldContext({ storageClass: 'DEEP_ARCHIVE' }));
    const { file, expected } = await fileOf('frozen');
    await cold.put(KEY, file, expected, testWork());
    const to = KEY.replace('yearly', 'monthly');
    await cold.copyWithin?.(KEY, to, expected, testWork());
    await assert.rejects(async () => cold.thawing?.state(to), { code: 'not-found' });
    await cold.thawing?.ask(KEY, OPTIONS);
    await moto.release();
    await cold.copyWithin?.(KEY, to, expected, testWork());
    assert.deepEqual(await cold.thawing?.state(to), { state: 'frozen' }, 'the copy has its own class');
  });

  /** Another object of the same size that says of itself that it is the expected one, as whoever may write can put it. */
  async function forge({ bucket }: S3Destination, text: string, more: Partial<PutObjectCommandInput> = {}) {
    const Metadata = { sha256: storedOf(Buffer.from(text)).sha256 };
    const Body = text.toUpperCase();
    await moto.admin.putObject({ Bucket: bucket, Key: KEY, Body, StorageClass: 'DEEP_ARCHIVE', Metadata, ...more });
  }

  async function forgeInParts({ bucket: Bucket }: S3Destination, text: string): Promise<void> {
    const Metadata = { sha256: storedOf(Buffer.from(text)).sha256 };
    const made = { Bucket, Key: KEY, StorageClass: 'DEEP_ARCHIVE', Metadata, ChecksumAlgorithm: 'SHA256' } as const;
    const { UploadId } = await moto.admin.createMultipartUpload(made);
    const part = { Bucket, Key: KEY, UploadId, PartNumber: 1 };
    const { ETag, ChecksumSHA256 } = await moto.admin.uploadPart({
      ...part,
      Body: text.toUpperCase(),
      ChecksumAlgorithm: 'SHA256',
    });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumSHA256 }] };
    await moto.admin.completeMultipartUpload({ Bucket, Key: KEY, UploadId, MultipartUpload });
  }

  it('what only says of itself that it is the artifact is put right: by its checksum while it lies frozen, by its bytes when it was thawed', async () => {
    const text = 'the good one';
    const { file, expected } = await fileOf(text);
    for (const thawed of [false, true]) {
      await moto.hold();
      const { config, ...context } = await coldContext({ storageClass: 'DEEP_ARCHIVE' });
      const cold = destinationOf({ ...context, config });
      // One of parts has no checksum that anybody knows: only its bytes tell.
      await (thawed ? forgeInParts(config, text) : forge(config, text, { ChecksumAlgorithm: 'SHA256' }));
      if (thawed) await cold.thawing?.ask(KEY, OPTIONS);
      await moto.release();
      if (thawed) assert.notDeepEqual(await cold.digest(KEY, testWork()), expected);
      await cold.put(KEY, file, expected, testWork());
      await cold.thawing?.ask(KEY, OPTIONS);
      assert.deepEqual(await cold.digest(KEY, testWork()), expected);
    }
  });

  it('a copy within the bucket of what only says that it is the artifact is none: it is sent', async () => {
    await moto.release();
    const text = 'the good one';
    const { file, expected } = await fileOf(text);
    const { config, ...context } = await coldContext({ storageClass: 'DEEP_ARCHIVE' });
    const cold = destinationOf({ ...context, config });
    await forge(config, text, { StorageClass: 'STANDARD' });
    const to = KEY.replace('yearly', 'monthly');
    await cold.copyWithin?.(KEY, to, expected, testWork());
    await cold.put(to, file, expected, testWork());
    await cold.thawing?.ask(to, OPTIONS);
    assert.deepEqual(await cold.digest(to, testWork()), expected);
  });

  it('of several versions that say so, and of which no checksum tells, the oldest is thawed; one that proves wrong is passed over', async () => {
    await moto.release();
    const text = 'the good one';
    const { expected } = await fileOf(text);
    const artifact = { role: 'base', name: 'base.tar.zst.age', ...expected, plainBytes: 1 };
    for (const goodOnes of [
      [true, false],
      [false, true],
    ]) {
      const { config, ...context } = await coldContext({ storageClass: 'DEEP_ARCHIVE' }, true);
      const cold = destinationOf({ ...context, config });
      const manifest = manifestWith({ artifacts: [artifact] });
      await cold.putSmall(`${path.posix.dirname(KEY)}/manifest.json`, manifest, { replace: false });
      for (const isGood of goodOnes) await forge(config, text, isGood ? { Body: text } : {});
      const asked = (await moto.asked()).length;
      const toAsk = goodOnes.indexOf(true) + 1;
      for (let turn = 1; turn <= toAsk; turn += 1) {
        assert.deepEqual(await cold.thawing?.state(KEY), { state: 'frozen' });
        await cold.thawing?.ask(KEY, OPTIONS);
      }
      assert.deepEqual(await cold.digest(KEY, testWork()), expected);
      assert.equal((await moto.asked()).length, asked + toAsk);
    }
  });

  it('what is sent in parts is confirmed by the checksum of its parts, and comes back whole', async () => {
    await moto.release();
    // With versions: without them moto tells of one all the same, and then does not know it.
    const cold = destinationOf(await coldContext({ storageClass: 'DEEP_ARCHIVE', partSize: 5 * 2 ** 20 }, true));
    const { file, expected } = await fileOf(randomBytes(6 * 2 ** 20).toString('hex'));
    await cold.put(KEY, file, expected, testWork());
    assert.deepEqual(await cold.thawing?.state(KEY), { state: 'frozen' });
    await cold.thawing?.ask(KEY, OPTIONS);
    assert.deepEqual(await cold.digest(KEY, testWork()), expected);
  });
});

function manifestWith(fields: Readonly<Record<string, unknown>>): Uint8Array {
  return encodeManifest(testBackup({ fields }).manifest);
}
