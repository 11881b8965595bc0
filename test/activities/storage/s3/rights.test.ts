/** The rights of infra/roles: the writing user has exactly those, and cannot delete. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Destination } from '../../../../activities/storage/types.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { grant } from '../../../support/s3-roles.ts';
import { credentialsOf, startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, listed, makeBucket } from './place.ts';

const KEY = 'daily/postgres/20261123T020000Z-full/base.tar.zst.age';
const MANIFEST = 'daily/postgres/20261123T020000Z-full/manifest.json';

describe('rights of an S3 destination', () => {
  let gateway: Gateway;
  let bucket: string;
  let writer: string;
  let pruner: string;
  let reader: string;
  let file: string;
  const bytes = randomBytes(6 * 2 ** 20);

  before(async () => {
    gateway = await startGateway();
    bucket = await makeBucket(gateway, { lock: true });
    [writer, pruner, reader] = [await gateway.makeUser(), await gateway.makeUser(), await gateway.makeUser()];
    await grant(gateway, bucket, {
      's3-policy.json': writer,
      's3-prune-policy.json': pruner,
      's3-restore-policy.json': reader,
    });
    file = path.join(await temporaryFolder(), 'object');
    await writeFile(file, bytes);
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  async function as(user: string, prune?: true | string): Promise<Destination> {
    const { prune: _prune, ...config } = (
      await contextOf(gateway, bucket, { user, lock: 'governance', partSize: 5 * 2 ** 20 })
    ).config;
    const who = prune === undefined || prune === true ? prune : credentialsOf(prune);
    const context = await contextOf(gateway, bucket);
    return destinationOf({ ...context, config: who === undefined ? config : { ...config, prune: who } });
  }

  it('the writing user does all that copies, locks and verification need, and cannot delete', async () => {
    const destination = await as(writer, true);
    const until = new Date(Date.now() + 3_000);
    await destination.probe();
    await destination.put(KEY, file, storedOf(bytes), testWork(), { until });
    await destination.putSmall(MANIFEST, Buffer.from('{}'), { replace: false, until });
    await destination.putSmall(MANIFEST, Buffer.from('{"rotated":1}'), { replace: true, until });
    await destination.keep(KEY, new Date(until.getTime() + 1_000));
    assert.deepEqual(await destination.digest(KEY, testWork()), storedOf(bytes));
    const objects = await listed(destination.list('daily'));
    assert.deepEqual(
      objects.map(({ key }) => key),
      [KEY, MANIFEST],
    );
    const itself = await destination.pruner();
    await destination.putSmall('evidence/x/y/z.json', Buffer.from('{}'), { replace: false });
    await assert.rejects(async () => itself?.remove('evidence/x/y/z.json'), denied('s3:DeleteObjectVersion'));
  });

  it('deletes by the pruning user alone, and not before the lock ends', async () => {
    const destination = await as(writer, pruner);
    assert.equal(await (await as(writer)).pruner(), null, 'no identity that may delete');
    const by = await destination.pruner();
    const key = 'daily/x/20261123T020000Z-full/manifest.json';
    const until = new Date(Date.now() + 4_000);
    await destination.putSmall(key, Buffer.from('{}'), { replace: false, until });
    await assert.rejects(
      async () => by?.remove(key),
      (error: BackupError) => {
        assert.equal(error.code, 'refused', error.stack);
        assert.match(error.message, /its lock lasts until \d{4}-/);
        return true;
      },
    );
    assert.equal(String(Buffer.from((await destination.readSmall(key)) ?? [])), '{}');
    await new Promise((resolve) => setTimeout(resolve, until.getTime() - Date.now() + 1_500));
    await by?.remove(key);
    assert.equal(await destination.readSmall(key), undefined);
    const { Versions = [], DeleteMarkers = [] } = await gateway.admin.listObjectVersions({
      Bucket: bucket,
      Prefix: key,
    });
    assert.deepEqual([Versions, DeleteMarkers], [[], []], 'every version is gone');
  });

  it('restores by a user that may read alone', async () => {
    const destination = await as(reader);
    assert.deepEqual(await destination.digest(KEY, testWork()), storedOf(bytes));
    await assert.rejects(destination.putSmall(MANIFEST, Buffer.from('x'), { replace: true }), denied('s3:PutObject'));
  });
});

function denied(right: string): (error: BackupError) => boolean {
  return (error) => {
    assert.equal(error.code, 'access-denied', error.stack);
    assert.ok(error.message.includes(`lack the right ${right}`), error.message);
    return true;
  };
}
