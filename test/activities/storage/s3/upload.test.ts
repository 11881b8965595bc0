/** Uploads in parts: killed, cut, stalled, slowed, abandoned. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { abortAbandoned, IDLE_FOR } from '../../../../activities/storage/s3/abandoned.ts';
import { openBucket } from '../../../../activities/storage/s3/bucket.ts';
import { uploadsIn } from '../../../../activities/storage/upload/uploads.ts';
import { secretReader } from '../../../../activities/config/secrets.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { storedOf } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { openProxy, type Proxy } from '../../../support/proxy.ts';
import { until } from '../../../support/until.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, listed, makeBucket, type S3Context } from './place.ts';

const PUT_CHILD = new URL('../put-child.ts', import.meta.url);
const MEMORY_CHILD = new URL('./memory-child.ts', import.meta.url);
const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';
const MEBIBYTE = 2 ** 20;
const PART = 5 * MEBIBYTE;
const LANES = 2;

describe('uploads to S3 in parts', () => {
  let gateway: Gateway;
  let proxy: Proxy;
  let context: S3Context;
  let file: string;
  const bytes = randomBytes(6 * PART + 12_345);
  const expected = storedOf(bytes);

  before(async () => {
    gateway = await startGateway();
    file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
  });
  beforeEach(async () => {
    proxy = await openProxy(gateway.address);
    const bucket = await makeBucket(gateway);
    context = await contextOf({ endpoint: `http://${proxy.address}` }, bucket, { partSize: PART, parallel: LANES });
  });
  afterEach(async () => {
    await endChildren();
    await proxy.close();
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  async function uploadsLeft(): Promise<number> {
    const { Uploads = [] } = await gateway.admin.listMultipartUploads({ Bucket: context.config.bucket });
    return Uploads.length;
  }

  async function remembered(): Promise<readonly string[]> {
    return readdir(path.join(context.state, 'uploads', context.name)).catch(() => []);
  }

  for (const percent of [10, 50, 90]) {
    it(`P42 killed at ${percent} %, it goes on at the last acknowledged part: at most one part per lane is sent again`, async () => {
      const child = startChild(PUT_CHILD, {
        context,
        key: KEY,
        file,
        expected,
        stopAt: (bytes.length * percent) / 100,
      });
      await child.stopped();
      await child.signal('SIGKILL');
      const destination = destinationOf(context);
      assert.deepEqual(await listed(destination.list('')), [], 'nothing is listed of it');
      await destination.put(KEY, file, expected, testWork());
      assert.deepEqual(await destination.digest(KEY, testWork()), expected);
      const again = proxy.sent() - bytes.length;
      assert.ok(again < LANES * PART + MEBIBYTE, `${again} bytes were sent twice`);
      assert.equal(await uploadsLeft(), 0);
      assert.deepEqual(await remembered(), []);
    });
  }

  it('takes the memory of its parts and lanes, and 50 MB at most, however large the file is', async () => {
    const folder = await temporaryFolder();
    const little = { file: path.join(folder, 'little'), bytes: Buffer.from('little') };
    await writeFile(little.file, little.bytes);
    const large = { file: path.join(folder, 'large'), bytes: Buffer.alloc(32 * PART, bytes) };
    await writeFile(large.file, large.bytes);
    const child = startChild(MEMORY_CHILD, {
      context: { ...context, config: { ...context.config, endpoint: gateway.endpoint } },
      puts: [
        // What the program itself takes, the SDK and all.
        { key: `${KEY}.little`, file: little.file, expected: storedOf(little.bytes) },
        { key: KEY, file: large.file, expected: storedOf(large.bytes) },
      ],
    });
    const [before, peak] = [Number(await child.line()), Number(await child.line())];
    const growth = peak - before;
    assert.ok(growth > 0 && growth < LANES * PART + 50e6, `${growth} bytes`);
  });

  it('goes on after the link was cut in the middle, in the same process', async () => {
    const destination = destinationOf(context);
    const work = testWork();
    const cutting = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 3 * PART && proxy.cut() };
    await assert.rejects(destination.put(KEY, file, expected, cutting), code('unreachable'));
    assert.equal(await uploadsLeft(), 1, 'it is kept for the next attempt');
    proxy.mend();
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
    assert.ok(proxy.sent() - bytes.length < LANES * PART + MEBIBYTE, `${proxy.sent() - bytes.length} bytes sent twice`);
  });

  it('ends at a standstill of the link, and is never left hanging', async () => {
    const destination = destinationOf(context);
    const work = testWork({ standstill: 1_000 });
    const stalling = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 2 * PART && proxy.stall() };
    await assert.rejects(destination.put(KEY, file, expected, stalling), code('standstill'));
    proxy.cut();
    proxy.mend();
    await destination.put(KEY, file, expected, testWork());
  });

  it('gives up an upload that an operator cancels, at once', async () => {
    const destination = destinationOf(context);
    const work = testWork();
    const cancelling = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 2 * PART && work.abort() };
    await assert.rejects(destination.put(KEY, file, expected, cancelling), code('aborted'));
    assert.equal(await uploadsLeft(), 0);
    assert.deepEqual(await remembered(), []);
  });

  it('keeps an upload that ends because the worker is restarted', async () => {
    const destination = destinationOf(context);
    const stopping = new AbortController();
    const progress = ({ bytes: sent }: { bytes: number }) => {
      if (sent > 3 * PART) stopping.abort(new Error('WORKER_SHUTDOWN'));
    };
    const work = { ...testWork(), signal: stopping.signal, progress };
    await assert.rejects(destination.put(KEY, file, expected, work), code('aborted'));
    assert.equal(await uploadsLeft(), 1);
    await destination.put(KEY, file, expected, testWork());
    assert.ok(proxy.sent() - bytes.length < LANES * PART + MEBIBYTE, `${proxy.sent() - bytes.length} bytes sent twice`);
  });

  it('takes no part of another file for one of this', async () => {
    const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 3 * PART });
    await child.stopped();
    await child.signal('SIGKILL');
    const other = path.join(path.dirname(file), 'other');
    const content = Buffer.from(bytes);
    content.writeUInt8(content.readUInt8(7) ^ 1, 7);
    await writeFile(other, content);
    const destination = destinationOf(context);
    await assert.rejects(destination.put(KEY, other, expected, testWork()), code('verification-failed'));
    assert.deepEqual(await listed(destination.list('')), []);
    await destination.put(KEY, other, storedOf(content), testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), storedOf(content));
    assert.equal(await uploadsLeft(), 0);
  });

  it('is refused by the server where a byte changes on the way, in one piece and in parts', async () => {
    const destination = destinationOf(context);
    const small = path.join(path.dirname(file), 'small');
    const content = bytes.subarray(0, 300_000);
    await writeFile(small, content);
    for (const [from, what] of [
      [file, expected],
      [small, storedOf(content)],
    ] as const) {
      proxy.garble();
      await assert.rejects(destination.put(KEY, from, what, testWork()), (error: BackupError) => {
        assert.match(error.message, /other bytes arrived there than were sent/);
        return code('failed')(error);
      });
      assert.deepEqual(await listed(destination.list('')), []);
    }
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
  });

  it('sends a part again that the server holds with other bytes', async () => {
    const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 3 * PART });
    await child.stopped();
    await child.signal('SIGKILL');
    const { bucket: Bucket } = context.config;
    const { Uploads: [upload] = [] } = await gateway.admin.listMultipartUploads({ Bucket });
    const tampered = {
      Bucket,
      Key: KEY,
      UploadId: upload?.UploadId,
      PartNumber: 1,
      ChecksumAlgorithm: 'SHA256',
    } as const;
    await gateway.admin.uploadPart({ ...tampered, Body: randomBytes(PART) });
    const destination = destinationOf(context);
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
  });

  it('begins anew where somebody has aborted the upload, and forgets one whose end it did not live to remember', async () => {
    const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 3 * PART });
    await child.stopped();
    await child.signal('SIGKILL');
    const { bucket: Bucket } = context.config;
    const { Uploads: [upload] = [] } = await gateway.admin.listMultipartUploads({ Bucket });
    await gateway.admin.abortMultipartUpload({ Bucket, Key: KEY, UploadId: upload?.UploadId });
    const [name = ''] = await remembered();
    const memory = path.join(context.state, 'uploads', context.name, name);
    const kept = await readFile(memory);
    const destination = destinationOf(context);
    await destination.put(KEY, file, expected, testWork());
    await writeFile(memory, kept);
    await destination.put(KEY, file, expected, testWork());
    assert.deepEqual(await destination.digest(KEY, testWork()), expected);
    assert.deepEqual(await remembered(), []);
  });

  it('P42 aborts what nobody goes on with, and leaves what a living process is at', async () => {
    const living = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 3 * PART });
    await living.stopped();
    const dead = { context, key: 'daily/gone/20261120T020000Z-full/base', file, expected, stopAt: 3 * PART };
    const killed = startChild(PUT_CHILD, dead);
    await killed.stopped();
    await killed.signal('SIGKILL');
    const { bucket, credentials } = context.config;
    // Of an older state that was lost, and of somebody else in the same bucket.
    await gateway.admin.createMultipartUpload({ Bucket: bucket, Key: 'weekly/lost/20261122T010000Z-full/base' });
    await gateway.admin.createMultipartUpload({ Bucket: bucket, Key: 'photographs/holiday.tar' });
    assert.equal(await uploadsLeft(), 4);
    const { readSecret } = secretReader(process.env);
    const sweep = {
      bucket: openBucket({ destination: 'remote', config: context.config, credentials, readSecret }),
      uploads: uploadsIn(path.join(context.state, 'uploads', 'remote'), bucket),
      work: testWork(),
    };
    await abortAbandoned({ ...sweep, idleFor: 3_600_000 });
    assert.equal(await uploadsLeft(), 4, 'a part has come within the hour');
    await abortAbandoned({ ...sweep, idleFor: 0 });
    const { Uploads = [] } = await gateway.admin.listMultipartUploads({ Bucket: bucket });
    assert.deepEqual(new Set(Uploads.map(({ Key }) => Key)), new Set([KEY, 'photographs/holiday.tar']));
    await living.signal('SIGCONT');
    assert.equal(await living.line(), 'done');
    assert.deepEqual(await remembered(), []);
  });

  it('P42 a copy in parts aborts what nobody has gone on with for days', async () => {
    const dead = { context, key: 'daily/gone/20261120T020000Z-full/base', file, expected, stopAt: 3 * PART };
    const killed = startChild(PUT_CHILD, dead);
    await killed.stopped();
    await killed.signal('SIGKILL');
    const destination = destinationOf(context);
    await destination.put(KEY, file, expected, testWork());
    assert.equal(await uploadsLeft(), 1, 'a host that is down over a weekend goes on');
    // As if it had been so long ago: its parts are files there.
    const old = new Date(Date.now() - IDLE_FOR - 60_000);
    const uploads = path.join(gateway.root, context.config.bucket, '.sgwtmp');
    for (const name of await readdir(uploads, { recursive: true })) await utimes(path.join(uploads, name), old, old);
    await destinationOf(context).put(`${path.dirname(KEY)}/other`, file, expected, testWork());
    assert.equal(await uploadsLeft(), 0);
    assert.deepEqual(await remembered(), []);
  });

  it('keeps to the rate that all parts share', async () => {
    const small = bytes.subarray(0, 2 * PART);
    const half = path.join(path.dirname(file), 'half');
    await writeFile(half, small);
    const destination = destinationOf({ ...context, config: { ...context.config, maxRate: 8 * MEBIBYTE } });
    const began = performance.now();
    await destination.put(KEY, half, storedOf(small), testWork());
    const seconds = (performance.now() - began) / 1000;
    assert.ok(seconds > 1.1, `${small.length} bytes in ${seconds} s`);
  });

  it('goes on reading where the link was cut in the middle of an object', async () => {
    const destination = destinationOf(context);
    await destination.put(KEY, file, expected, testWork());
    const stream = await destination.open(KEY);
    const chunks: Buffer[] = [];
    let read = 0;
    let wasCut = false;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      read += chunk.length;
      if (!wasCut && read > 3 * PART) {
        wasCut = true;
        proxy.cut();
        proxy.mend();
      }
    }
    assert.ok(wasCut);
    assert.deepEqual(storedOf(Buffer.concat(chunks)), expected);
    await until('nothing is left', async () => (await uploadsLeft()) === 0);
  });
});

function code(wanted: string): (error: BackupError) => boolean {
  return (error) => {
    assert.equal(error.code, wanted, error.stack);
    return true;
  };
}
