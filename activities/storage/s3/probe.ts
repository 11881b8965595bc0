/** Whether the bucket can be reached, written, read, listed and locked as the config wants it. */
import { BackupError } from '../../../model/errors.ts';
import { createHash } from 'node:crypto';
import { smallAttributes } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { requireEncrypted } from './encrypted.ts';
import { saidOneOf } from './errors.ts';

/** Hidden, so that it is never listed. One name for all: where nobody may delete there is one of them, not one a day. */
const PROBE = '.mosaic-backup-probe';

export async function probeBucket(bucket: Bucket): Promise<void> {
  await requireLock(bucket);
  const object = { Bucket: bucket.name, Key: `${bucket.before}${PROBE}` };
  const bytes = Buffer.from('probe');
  const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64');
  const put = { ...object, Body: bytes, ChecksumSHA256, ...smallAttributes(bucket.config, {}) };
  const { VersionId } = await bucket.call({ doing: 'writing a probe', right: 's3:PutObject' }, (s3) =>
    s3.putObject(put),
  );
  const version = VersionId === undefined ? {} : { VersionId };
  const told = await bucket.call({ doing: 'reading the probe', right: 's3:GetObject' }, async (s3) => {
    const found = await s3.getObject({ ...object, ...version });
    await found.Body?.transformToByteArray();
    return found;
  });
  await bucket.call({ doing: 'listing', right: 's3:ListBucket' }, (s3) =>
    s3.listObjectsV2({ Bucket: bucket.name, Prefix: bucket.before, MaxKeys: 1 }),
  );
  await probeUpload(bucket);
  await removeWhereAllowed(bucket, { ...object, ...version });
  requireEncrypted(bucket, 'the probe', told);
}

/** The rights of an upload in parts, which a policy that was written by hand often lacks. */
async function probeUpload(bucket: Bucket): Promise<void> {
  const object = { Bucket: bucket.name, Key: `${bucket.before}${PROBE}` };
  const { UploadId } = await bucket.call({ doing: 'beginning an upload', right: 's3:PutObject' }, (s3) =>
    s3.createMultipartUpload({ ...object, ChecksumAlgorithm: 'SHA256', ...smallAttributes(bucket.config, {}) }),
  );
  const upload = { ...object, UploadId };
  try {
    await bucket.call({ doing: 'asking for the parts of an upload', right: 's3:ListMultipartUploadParts' }, (s3) =>
      s3.listParts(upload),
    );
  } finally {
    await bucket.call({ doing: 'aborting an upload', right: 's3:AbortMultipartUpload' }, (s3) =>
      s3.abortMultipartUpload(upload),
    );
  }
}

/** @throws BackupError `config` where locks are wanted and the bucket has none. */
async function requireLock(bucket: Bucket): Promise<void> {
  if (bucket.config.lock === undefined) return;
  const doing = { doing: 'asking whether the bucket has Object Lock', right: 's3:GetBucketObjectLockConfiguration' };
  const enabled = await bucket.call(doing, async (s3) => {
    const { ObjectLockConfiguration } = await s3.getObjectLockConfiguration({ Bucket: bucket.name });
    return ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
  });
  if (enabled) return;
  throw new BackupError('config', `The bucket ${bucket.name} has no Object Lock, and the config wants one.`, {
    remedy: 'Make a bucket with Object Lock, or take "lock" out of the destination.',
    facts: { destination: bucket.where.destination, bucket: bucket.name },
  });
}

/** Whoever may only write leaves the probe, under its one name. */
async function removeWhereAllowed(
  bucket: Bucket,
  object: { readonly Bucket: string; readonly Key: string },
): Promise<void> {
  await bucket.call({ doing: 'deleting the probe', right: 's3:DeleteObject' }, async (s3) => {
    try {
      await s3.deleteObject(object);
    } catch (error) {
      if (!saidOneOf(error, 'AccessDenied', 'MethodNotAllowed', 'InvalidRequest')) throw error;
    }
  });
}
