/** What an S3 server, the network or the SDK says, as an error that tells what to do. */
import { awsError, failureOf, type Doing } from '../aws/errors.ts';
import { meaningOf } from './meanings.ts';

export { failureOf, isUnknownHere, saidOneOf, type Doing } from '../aws/errors.ts';

export interface Where {
  /** The destination's name in the config. */
  readonly destination: string;
  readonly bucket: string;
  /** Endpoint or region, for people. */
  readonly server: string;
}

/** A failed request as a `BackupError`; ours and bugs come back unchanged. */
export function s3Error(error: unknown, doing: Doing, { destination, bucket, server }: Where): unknown {
  return awsError(error, doing, { service: 's3', destination, kind: 'bucket', name: bucket, server, meaningOf });
}

/** Whether a request failed because there is no such object, or no such version of it; a bucket that is missing is something else. */
export function isAbsent(error: unknown): boolean {
  const failure = failureOf(error);
  if (failure === undefined || failure.code === 'NoSuchBucket') return false;
  return failure.status === 404 || ['NoSuchKey', 'NotFound', 'NoSuchVersion'].includes(failure.code);
}
