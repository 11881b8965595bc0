import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { damageFile, fillDisk } from '../../../support/damage.ts';
import { smallFileSystem, unmount } from '../../../support/folders.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { destinationConformance, type Place } from '../conformance.ts';
import { contextOf, makeBucket } from './place.ts';

const MEBIBYTE = 2 ** 20;
/** What the gateway itself needs on its disk. */
const OWN = 2 * MEBIBYTE;

/** A gateway of its own for each place: its disk is what fills up, and it is what goes away. */
async function s3Place(bytes: number): Promise<Place> {
  const disk = await smallFileSystem(String(bytes + OWN));
  const gateway = await startGateway({ folder: disk });
  const bucket = await makeBucket(gateway);
  const user = await gateway.makeUser();
  await allow(gateway, bucket, user, 's3:*');
  const folder = path.join(gateway.root, bucket);
  return {
    context: await contextOf(gateway, bucket, { user, partSize: 5 * MEBIBYTE, parallel: 2, timeout: 10_000 }),
    damage: (key) => damageFile(path.join(folder, key)),
    fill: () => fillDisk(path.join(disk, 'filler')),
    forbid: () => allow(gateway, bucket, user, ['s3:GetObject', 's3:ListBucket', 's3:GetBucketVersioning']),
    async remove() {
      await gateway.stop();
      unmount(disk);
    },
    async stored() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isFile()).length;
    },
  };
}

/** What an account may do in a bucket. */
async function allow(
  { admin }: Gateway,
  bucket: string,
  user: string,
  Action: string | readonly string[],
): Promise<void> {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const statement = { Effect: 'Allow', Principal: { AWS: user }, Action, Resource };
  await admin.putBucketPolicy({
    Bucket: bucket,
    Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  });
}

describe('S3 over versitygw', () => {
  afterEach(stopGateways);
  destinationConformance('s3', s3Place);
});
