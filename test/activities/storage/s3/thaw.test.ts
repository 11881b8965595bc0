import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import { frozenVerdict, thawStateOf } from '../../../../activities/storage/s3/archived.ts';
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

  it('what lies frozen is right by its own checksum, and one of parts by what is recorded of it', () => {
    const { sha256 } = storedOf(Buffer.from('the good one'));
    const Metadata = { sha256 };
    const right = Buffer.from(sha256, 'hex').toString('base64');
    const other = Buffer.alloc(32).toString('base64');
    const of = (head: object) => frozenVerdict({ $metadata: {}, Metadata, ...head }, sha256);
    assert.equal(of({ ChecksumSHA256: right, ChecksumType: 'FULL_OBJECT' }), 'right');
    assert.equal(of({ ChecksumSHA256: other, ETag: '"0123"' }), 'other');
    for (const parts of [
      { ChecksumSHA256: `${other}-3` },
      { ChecksumSHA256: other, ETag: '"0123-3"' },
      { ChecksumSHA256: other, ChecksumType: 'COMPOSITE' },
    ]) {
      assert.equal(of(parts), 'right');
      assert.equal(of({ ...parts, Metadata: {} }), 'other');
    }
    assert.equal(of({}), 'unproven');
  });

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

  it('a server that tells no checksum of what it freezes gets no copy that counts: a stand-in', async () => {
    let stored = 0;
    const { file, expected } = await fileOf('frozen');
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (request.method === 'PUT') stored += 1;
        const status = request.method === 'GET' ? 501 : stored > 0 ? 200 : 404;
        const told = { 'content-length': '6', 'x-amz-meta-sha256': expected.sha256 };
        const head = request.method === 'HEAD' && stored > 0 ? told : {};
        response.writeHead(status, { 'x-amz-storage-class': 'GLACIER', ...head }).end();
      });
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      for (const _attempt of ['the first', 'the next']) {
        await assert.rejects(cold.put(KEY, file, expected, testWork()), {
          code: 'refused',
          message: /tells no SHA-256 of it/,
        });
        assert.equal(stored, 1, 'and is not sent again and again');
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('a server that computed another checksum of what it stored gets no copy that counts: a stand-in', async () => {
    let stored = false;
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (request.method === 'PUT') stored = true;
        const status = request.method === 'GET' ? 501 : stored ? 200 : 404;
        const told = { 'content-length': '6', 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') };
        response.writeHead(status, { 'x-amz-storage-class': 'GLACIER', ...(request.method === 'HEAD' && told) }).end();
      });
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      const { file, expected } = await fileOf('frozen');
      const wrong = { code: 'failed', message: /did not store .* its checksum there is another/ };
      await assert.rejects(cold.put(KEY, file, expected, testWork()), wrong);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('reads what AWS says of an object', () => {
    const of = (Restore?: string, StorageClass: 'GLACIER' | undefined = 'GLACIER') =>
      thawStateOf({ StorageClass, Restore });
    assert.deepEqual(of(), { state: 'frozen' });
    assert.deepEqual(of('ongoing-request="true"'), { state: 'thawing' });
    assert.deepEqual(of('ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"'), {
      state: 'readable',
      until: new Date('2029-12-21T00:00:00Z'),
    });
    assert.deepEqual(of('ongoing-request="false"'), { state: 'readable' });
  });

  it('an object that somebody else asks for at the same moment is on its way: a stand-in answers as AWS does', async () => {
    const told: string[] = [];
    const server = createServer((request, response) => {
      if (request.method === 'POST') request.setEncoding('utf8').on('data', (text: string) => told.push(text));
      else request.resume();
      if (request.method === 'GET') return response.writeHead(501).end();
      if (request.method === 'HEAD') return response.writeHead(200, { 'x-amz-storage-class': 'GLACIER' }).end();
      const code = request.url?.includes('slow') ? 'GlacierExpeditedRetrievalNotAvailable' : 'RestoreAlreadyInProgress';
      return response
        .writeHead(code === 'RestoreAlreadyInProgress' ? 409 : 503, { 'content-type': 'application/xml' })
        .end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
    });
    const endpoint = await listening(server);
    try {
      const cold = destinationOf(await contextOf({ endpoint }, 'any', { storageClass: 'GLACIER' }));
      await cold.thawing?.ask(KEY, { speed: 'bulk', days: 3 });
      assert.match(told.join(''), /<Days>3<\/Days>.*<Tier>Bulk<\/Tier>/);
      await assert.rejects(async () => cold.thawing?.ask(`${KEY}-slow`, { ...OPTIONS, speed: 'expedited' }), {
        code: 'unreachable',
        message: /no capacity for expedited retrievals/,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${address.port}`;
}

function manifestWith(fields: Readonly<Record<string, unknown>>): Uint8Array {
  return encodeManifest(testBackup({ fields }).manifest);
}
