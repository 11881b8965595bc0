/** A bucket as this destination uses it: keys below its prefix, requests with their errors translated. */
import type { S3 } from '@aws-sdk/client-s3';
import type { AwsCredentials } from '../../../model/config/destinations/aws.ts';
import type { S3Destination } from '../../../model/config/destinations/s3.ts';
import { BackupError } from '../../../model/errors.ts';
import { isKey } from '../../../model/paths.ts';
import type { SecretReader } from '../../config/secrets.ts';
import { s3Client } from './client.ts';
import { s3Error, type Doing, type Where } from './errors.ts';

export interface Bucket {
  readonly where: Where;
  readonly config: S3Destination;
  /** `Bucket` of every request. */
  readonly name: string;
  /** What the objects of all keys begin with: the prefix with its slash, or nothing. */
  readonly before: string;
  /** The object of a key. @throws BackupError `refused` for a key that would leave the prefix, or is none of ours. */
  objectOf(key: string): string;
  /** The key of an object; undefined for what is not ours: outside the prefix, hidden, a folder's mark. */
  keyOf(object: string): string | undefined;
  /** Makes requests; what fails is a `BackupError` that says what was being done. */
  call<Result>(doing: Doing, request: (s3: S3, options: CallOptions) => Promise<Result>): Promise<Result>;
  /** As `call`, with what the server itself needs long for: it may be silent for an hour. */
  callSlow<Result>(doing: Doing, request: (s3: S3, options: CallOptions) => Promise<Result>): Promise<Result>;
}

export interface CallOptions {
  readonly abortSignal?: AbortSignal;
}

/** Milliseconds that a server may take to put the parts of a large object together. */
const SLOW = 3_600_000;

export interface BucketOptions {
  readonly destination: string;
  readonly config: S3Destination;
  /** Who asks; absent: the SDK's usual chain. */
  readonly credentials: AwsCredentials | undefined;
  readonly readSecret: SecretReader;
}

export function openBucket({ destination, config, credentials, readSecret }: BucketOptions): Bucket {
  const where = { destination, bucket: config.bucket, server: serverOf(config) };
  const before = config.prefix === undefined ? '' : `${config.prefix}/`;
  const clients = new Map<number, Promise<S3>>();

  function client(timeout: number): Promise<S3> {
    const made = clients.get(timeout) ?? s3Client({ config, credentials, readSecret, timeout });
    clients.set(timeout, made);
    return made;
  }
  async function call<Result>(
    timeout: number,
    doing: Doing,
    request: (s3: S3, options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    try {
      const s3 = await client(timeout);
      return await request(s3, doing.signal === undefined ? {} : { abortSignal: doing.signal });
    } catch (error) {
      throw s3Error(error, doing, where);
    }
  }

  return {
    where,
    config,
    name: config.bucket,
    before,
    objectOf(key) {
      if (isKey(key)) return `${before}${key}`;
      const message = `"${key}" is not a key: it would leave s3://${config.bucket}/${before}, or name something hidden in it.`;
      throw new BackupError('refused', message, { facts: { key } });
    },
    keyOf(object) {
      if (!object.startsWith(before)) return undefined;
      const key = object.slice(before.length);
      return isKey(key) ? key : undefined;
    },
    call: (doing, request) => call(config.timeout, doing, request),
    callSlow: (doing, request) => call(Math.max(SLOW, config.timeout), doing, request),
  };
}

function serverOf({ endpoint, region }: S3Destination): string {
  return endpoint ?? `AWS${region === undefined ? '' : ` ${region}`}`;
}
