/** Copies within a bucket, by the server: whole and in parts, of what is right and of what is not. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { secretReader } from '../../../../activities/config/secrets.ts';
import { openBucket } from '../../../../activities/storage/s3/bucket.ts';
import { copyObject } from '../../../../activities/storage/s3/copy-within.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { openProxy, type Proxy } from '../../../support/proxy.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, makeBucket, type S3Context } from './place.ts';

const MEBIBYTE = 2 ** 20;
const FROM = 'weekly/a source+x/20261122T010000Z-full/base.tar.zst.age';
const TO = 'monthly/a source+x/20261122T010000Z-full/base.tar.zst.age';

describe('copies within a bucket', () => {
  let gateway: Gateway;
  let proxy: Proxy;
  let context: S3Context;
  let destination: Destination;
  const bytes = randomBytes(11 * MEBIBYTE + 5);
  const expected = storedOf(bytes);

  before(async () => {
    gateway = await startGateway();
    proxy = await openProxy(gateway.address);
  });
  beforeEach(async () => {
    const bucket = await makeBucket(gateway, { lock: true });
    context = await contextOf({ endpoint: `http://${proxy.address}` }, bucket, {
      partSize: 5 * MEBIBYTE,
      lock: 'governance',
    });
    destination = destinationOf(context);
    const file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
    await destination.put(FROM, file, expected, testWork());
  });
  after(async () => {
    await proxy.close();
    await stopGateways();
    await cleanUp();
  });

  it('are confirmed by the checksum of the whole, locked, and send nothing again', async () => {
    const before = proxy.sent();
    const until = new Date((Math.floor(Date.now() / 1000) + 600) * 1000);
    await destination.copyWithin?.(FROM, TO, expected, testWork(), { until });
    await destination.copyWithin?.(FROM, TO, expected, testWork(), { until });
    assert.ok(proxy.sent() - before < 100_000, `${proxy.sent() - before} bytes were sent`);
    assert.deepEqual(await destination.digest(TO, testWork()), expected);
    assert.deepEqual(await destination.lockedUntil?.(TO), until);
    const { Versions = [] } = await gateway.admin.listObjectVersions({ Bucket: context.config.bucket, Prefix: TO });
    assert.equal(Versions.length, 1, 'an equal one is left');
  });

  it('are made in parts of what is too large for one request, and read back', async () => {
    const { readSecret } = secretReader(process.env);
    const { config } = context;
    const bucket = openBucket({ destination: 'remote', config, credentials: config.credentials, readSecret });
    const copy = { bucket, from: { key: FROM }, to: TO, expected, keeping: {}, work: testWork() };
    assert.equal(await copyObject(copy, { whole: MEBIBYTE, part: 5 * MEBIBYTE }), true);
    assert.deepEqual(await destination.digest(TO, testWork()), expected);
    const { Uploads = [] } = await gateway.admin.listMultipartUploads({ Bucket: config.bucket });
    assert.deepEqual(Uploads, []);
  });

  it('are not made of what is missing or damaged: then it is sent', async () => {
    const work = testWork();
    await destination.copyWithin?.('weekly/other/x/base', TO, expected, work);
    await gateway.admin.putObject({ Bucket: context.config.bucket, Key: FROM, Body: bytes.subarray(1) });
    await destination.copyWithin?.(FROM, TO, expected, work);
    assert.equal(await destination.digest(TO, testWork()), undefined);
    assert.match(work.logged.join('\n'), /not what is to be copied/);
    await gateway.admin.putObject({ Bucket: context.config.bucket, Key: FROM, Body: bytes.toReversed() });
    const other = testWork();
    await destination.copyWithin?.(FROM, TO, expected, other);
    assert.match(other.logged.join('\n'), /not what is to be copied/, 'of the right size, and other bytes');
    const file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
    await destination.put(TO, file, expected, testWork());
    assert.deepEqual(await destination.digest(TO, testWork()), expected);
  });

  it('tell the clock of the server', async () => {
    const time = await destination.clock?.();
    assert.ok(time && Math.abs(time.getTime() - Date.now()) < 10_000, String(time));
  });
});
