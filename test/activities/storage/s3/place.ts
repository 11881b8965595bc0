/** Destinations of the type `s3` under test: a bucket of a real gateway each. */
import type { ListedObject } from '../../../../activities/storage/types.ts';
import { s3Destination } from '../../../../model/config/destinations/s3.ts';
import type { S3Destination } from '../../../../model/config/destinations/s3.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { credentialsOf, type Gateway } from '../../../support/versitygw.ts';
import type { PlaceContext } from '../destination-of.ts';

export interface S3Context extends PlaceContext {
  readonly config: S3Destination;
}

export interface BucketOptions {
  readonly lock?: boolean;
  readonly versions?: boolean;
}

let made = 0;

/** A new bucket. One with locks keeps versions as well. */
export async function makeBucket(
  { admin }: Pick<Gateway, 'admin'>,
  { lock = false, versions = lock }: BucketOptions = {},
): Promise<string> {
  made += 1;
  const Bucket = `bucket-${process.pid}-${made}`;
  await admin.createBucket({ Bucket, ObjectLockEnabledForBucket: lock });
  if (versions && !lock) {
    await admin.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: 'Enabled' } });
  }
  return Bucket;
}

/** What makes a destination of a bucket, with a state folder of its own. What is left out has its default. */
export async function contextOf(
  { endpoint }: Pick<Gateway, 'endpoint'>,
  bucket: string,
  options: Partial<S3Destination> & { readonly user?: string } = {},
): Promise<S3Context> {
  const { user, ...config } = options;
  const { partSize, parallel, confirm, timeout } = s3Destination.parse({ type: 's3', bucket });
  return {
    name: 'remote',
    site: 'test',
    state: await temporaryFolder(),
    config: {
      type: 's3',
      bucket,
      endpoint,
      credentials: credentialsOf(user),
      prune: true,
      partSize,
      parallel,
      confirm,
      timeout,
      ...config,
    },
  };
}

/** All of a listing. */
export async function listed(objects: AsyncIterable<ListedObject>): Promise<readonly ListedObject[]> {
  const all: ListedObject[] = [];
  for await (const object of objects) all.push(object);
  return all;
}
