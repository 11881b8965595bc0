/** A bucket of a real S3 server on this machine, over a folder beside the data. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { secretReader } from '../../../activities/config/secrets.ts';
import { s3Destination } from '../../../model/config/destinations/s3.ts';
import type { PlaceContext } from '../../activities/storage/destination-of.ts';
import { credentialsOf, startGateway, type Gateway } from '../../support/versitygw.ts';

export const BUCKET = 'bench';

export interface BenchBucket {
  readonly gateway: Gateway;
  /** The bucket's folder: the file of an object lies below it, under its key. */
  readonly root: string;
}

/** @param folder one that does not exist yet. `stopGateways` ends it. */
export async function startBucket(folder: string): Promise<BenchBucket> {
  await mkdir(folder);
  const gateway = await startGateway({ folder });
  await gateway.admin.createBucket({ Bucket: BUCKET });
  return { gateway, root: path.join(gateway.root, BUCKET) };
}

export interface BucketPlace {
  readonly endpoint: string;
  readonly part: number;
  /** A folder that need not exist. */
  readonly state: string;
}

/** A destination with the shipped defaults, but for the size of its parts. */
export function bucketContext({ endpoint, part, state }: BucketPlace): PlaceContext & { readonly lanes: number } {
  const credentials = credentialsOf();
  const config = s3Destination.parse({ type: 's3', bucket: BUCKET, endpoint, credentials, partSize: `${part}B` });
  return { name: 'remote', site: 'test', state, config, lanes: config.parallel };
}

/** Who may do everything there, as variables that the commands of peers use. */
export async function bucketEnvironment({ gateway }: BenchBucket): Promise<Readonly<Record<string, string>>> {
  const { accessKeyId, secretAccessKey } = credentialsOf();
  const { readSecret } = secretReader(process.env);
  return {
    BUCKET,
    ADDRESS: gateway.address,
    ACCESS_KEY: await readSecret(accessKeyId),
    SECRET_KEY: await readSecret(secretAccessKey),
    // The server speaks no TLS, and rclone begins nothing where somebody has set this.
    AWS_CA_BUNDLE: '',
  };
}
