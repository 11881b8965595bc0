/** Encryption by the server: of one that keeps what it is told (moto), and of one that takes the request and does nothing (versitygw). */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { secretReader } from '../../../../activities/config/secrets.ts';
import { openBucket } from '../../../../activities/storage/s3/bucket.ts';
import { copyObject } from '../../../../activities/storage/s3/copy-within.ts';
import { isEncrypted } from '../../../../activities/storage/s3/encrypted.ts';
import { s3Destination, type S3Destination } from '../../../../model/config/destinations/s3.ts';
import { storedOf } from '../../../support/backups.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMoto, stopMoto, type Moto } from '../../../support/moto/index.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, makeBucket } from './place.ts';

const MEBIBYTE = 2 ** 20;
const WEEKLY = 'weekly/postgres/20261122T010000Z-full';
const MONTHLY = 'monthly/postgres/20261122T010000Z-full';
/** The smallest parts that S3 takes. */
const PARTS = { whole: MEBIBYTE, part: 5 * MEBIBYTE };

describe('encryption by the server of S3', () => {
  const bytes = randomBytes(6 * MEBIBYTE);
  const expected = storedOf(bytes);
  const little = Buffer.from('a little');
  let moto: Moto;
  let gateway: Gateway;
  let file: string;
  let littleFile: string;

  before(async () => {
    [moto, gateway] = await Promise.all([startMoto(), startGateway()]);
    const folder = await temporaryFolder();
    file = path.join(folder, 'large');
    littleFile = path.join(folder, 'little');
    await writeFile(file, bytes);
    await writeFile(littleFile, little);
  });
  after(async () => {
    await Promise.all([stopMoto(), stopGateways()]);
    await cleanUp();
  });

  /** One bucket, as a site uses it that wants no encryption, and as one that does. */
  async function twoWays(server: Moto | Gateway, encryption: S3Destination['encryption']) {
    // With versions: without them moto tells of one all the same, and then does not know it.
    const context = await contextOf(server, await makeBucket(server, { versions: true }), { partSize: 5 * MEBIBYTE });
    const config = { ...context.config, encryption };
    const { readSecret } = secretReader(process.env);
    const bucket = openBucket({ destination: 'remote', config, credentials: config.credentials, readSecret });
    const copy = { bucket, from: { key: `${WEEKLY}/base` }, expected, keeping: {}, work: testWork() };
    return {
      plain: destinationOf(context),
      wanted: destinationOf({ ...context, config }),
      copyInParts: (to: string) => copyObject({ ...copy, to }, PARTS),
      /** What the server says of the newest version of an object. */
      said: async (Key: string) => {
        const head = await server.admin.headObject({ Bucket: config.bucket, Key });
        return [head.ServerSideEncryption, head.SSEKMSKeyId];
      },
      versions: async (Prefix: string) => {
        return ((await server.admin.listObjectVersions({ Bucket: config.bucket, Prefix })).Versions ?? []).length;
      },
    };
  }

  for (const [encryption, says] of [
    ['AES256', ['AES256', undefined]],
    [{ kms: 'a-key' }, ['aws:kms', 'a-key']],
  ] as const) {
    it(`${JSON.stringify(encryption)} is what the server says of all that is stored: whole, in parts, small, copied within`, async () => {
      const { plain, wanted, copyInParts, said } = await twoWays(moto, encryption);
      await plain.put(`${WEEKLY}/base`, file, expected, testWork());
      await wanted.probe();
      await wanted.put(`${WEEKLY}/parts`, file, expected, testWork());
      await wanted.put(`${WEEKLY}/whole`, littleFile, storedOf(little), testWork());
      await wanted.putSmall(`${WEEKLY}/manifest.json`, Buffer.from('{"key":1}'), { replace: false });
      await wanted.putSmall(`${WEEKLY}/key.age`, Buffer.from('first'), { replace: false });
      await wanted.putSmall(`${WEEKLY}/key.age`, Buffer.from('rotated'), { replace: true });
      await wanted.copyWithin?.(`${WEEKLY}/base`, `${MONTHLY}/copied`, expected, testWork());
      assert.equal(await copyInParts(`${MONTHLY}/copied-in-parts`), true);
      assert.deepEqual(await said(`${WEEKLY}/base`), [undefined, undefined]);
      for (const key of ['parts', 'whole', 'manifest.json', 'key.age'].map((name) => `${WEEKLY}/${name}`)) {
        assert.deepEqual(await said(key), says, key);
      }
      for (const name of ['copied', 'copied-in-parts']) assert.deepEqual(await said(`${MONTHLY}/${name}`), says, name);
    });
  }

  it('what lies there without, from before it was wanted, is stored again once, and never taken for done', async () => {
    const { plain, wanted, copyInParts, said, versions } = await twoWays(moto, 'AES256');
    const manifest = Buffer.from('{}');
    for (const each of [plain, wanted, wanted]) {
      await each.put(`${WEEKLY}/base`, file, expected, testWork());
      await each.putSmall(`${WEEKLY}/manifest.json`, manifest, { replace: false });
      await each.put(`${MONTHLY}/base`, file, expected, testWork());
    }
    for (const key of [`${WEEKLY}/base`, `${WEEKLY}/manifest.json`, `${MONTHLY}/base`]) {
      assert.deepEqual(await said(key), ['AES256', undefined], key);
      assert.equal(await versions(key), 2, key);
    }
    await plain.put(`${MONTHLY}/other`, file, expected, testWork());
    assert.equal(await copyInParts(`${MONTHLY}/other`), true);
    assert.deepEqual(await said(`${MONTHLY}/other`), ['AES256', undefined]);
    // Other content is still not replaced by it.
    await plain.putSmall(`${WEEKLY}/key.age`, Buffer.from('there'), { replace: false });
    await isBackupError(wanted.putSmall(`${WEEKLY}/key.age`, Buffer.from('other'), { replace: false }), 'conflict');
  });

  it('a server that takes the request and keeps none is told of by doctor, and no copy there is confirmed', async () => {
    const { plain, wanted, copyInParts, versions } = await twoWays(gateway, 'AES256');
    await plain.put(`${WEEKLY}/base`, file, expected, testWork());
    const attempts = {
      probe: () => wanted.probe(),
      parts: () => wanted.put(`${WEEKLY}/parts`, file, expected, testWork()),
      whole: () => wanted.put(`${WEEKLY}/whole`, littleFile, storedOf(little), testWork()),
      again: () => wanted.put(`${WEEKLY}/base`, file, expected, testWork()),
      small: () => wanted.putSmall(`${WEEKLY}/manifest.json`, Buffer.from('{}'), { replace: false }),
      copy: async () => wanted.copyWithin?.(`${WEEKLY}/base`, `${MONTHLY}/base`, expected, testWork()),
      copyInParts: () => copyInParts(`${MONTHLY}/in-parts`),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      const error = await isBackupError(attempt(), 'config');
      assert.match(
        error.message,
        /^remote does not keep .* encrypted as the config wants it: by AES256; .* nothing/,
        name,
      );
      assert.match(error.remedy ?? '', /take "encryption" out of the destination/, name);
    }
    await plain.probe();
    assert.equal(await versions(`${MONTHLY}/`), 2, 'the server did copy');
  });

  it('goes by the mode and the key, which servers tell by its ARN', () => {
    const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd';
    const cases = [
      ['AES256', 'AES256', undefined, true],
      ['AES256', 'aws:kms', arn, false],
      ['AES256', undefined, undefined, false],
      [{ kms: '1234abcd' }, 'aws:kms', arn, true],
      [{ kms: arn }, 'aws:kms', arn, true],
      [{ kms: 'mine' }, 'aws:kms', 'arn:aws:kms:mine', true],
      [{ kms: 'alias/mine' }, 'aws:kms', arn, true],
      [{ kms: 'arn:aws:kms:eu-central-1:111122223333:alias/mine' }, 'aws:kms', arn, true],
      [{ kms: '1234abcd' }, 'aws:kms', undefined, true],
      [{ kms: 'abcd' }, 'aws:kms', arn, false],
      [{ kms: '1234abcd' }, 'AES256', undefined, false],
      [undefined, undefined, undefined, true],
    ] as const;
    for (const [encryption, ServerSideEncryption, SSEKMSKeyId, result] of cases) {
      const config = s3Destination.parse({ type: 's3', bucket: 'backups', encryption });
      const told = { ServerSideEncryption, SSEKMSKeyId };
      assert.equal(isEncrypted({ config }, told), result, JSON.stringify([encryption, told]));
    }
  });
});
