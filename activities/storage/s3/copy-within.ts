/** Copies within a bucket: the server does it, and nothing is sent again. */
import type { Work } from '../../work.ts';
import { isEqual } from '../damaged-file.ts';
import { inParallel } from '../parallel.ts';
import type { Keeping, Stored } from '../types.ts';
import { abortUpload } from './abandoned.ts';
import { isArchived, thawStateOf } from './archived.ts';
import { artifactAttributes } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { wholeChecksum } from './checksums.ts';
import { isThere } from './confirm.ts';
import { confirmEncrypted } from './encrypted.ts';
import { extendLock } from './lock.ts';
import { digestBack, headOf, type ObjectVersion } from './read.ts';

export interface CopyWithin {
  readonly bucket: Bucket;
  readonly from: ObjectVersion;
  /** Its new key. */
  readonly to: string;
  readonly expected: Stored;
  readonly keeping: Keeping;
  readonly work: Work;
}

/** Bytes: what a server copies in one request (S3: 5 GB), and the parts of what is larger. */
export interface CopyLimits {
  readonly whole: number;
  readonly part: number;
}
const LIMITS: CopyLimits = { whole: 5_000_000_000, part: 512 * 2 ** 20 };

/**
 * False where the original is not there, lies frozen, or is not what is expected: then the caller sends it. Confirmed by the SHA-256
 * that the server computes over the whole of the copy. Where it tells none, or copied in parts, whose checksums not every
 * server computes, the copy is read back; of one that goes into an archive in parts the original is read before, and one that
 * goes there whole without the right checksum is none.
 */
export async function copyObject(copy: CopyWithin, limits: CopyLimits = LIMITS): Promise<boolean> {
  const { bucket, from, to, expected, keeping, work } = copy;
  if ((await isThere({ bucket, object: { key: to }, expected, work })) === true) {
    await extendLock(bucket, { key: to }, keeping);
    return true;
  }
  const original = await headOf(bucket, from, work.signal);
  if (original === undefined || original.ContentLength !== expected.bytes) return false;
  if (thawStateOf(original).state !== 'readable') return false;
  const archived = isArchived(bucket.config.storageClass);
  if (expected.bytes <= limits.whole) {
    const { checksum, version } = await copyWhole(copy);
    await confirmEncrypted(bucket, { key: to, version }, work.signal);
    // Out of an archive nothing can be read back.
    const confirmed = archived || bucket.config.confirm === 'checksum';
    if (confirmed && checksum === wholeChecksum(expected.sha256)) return true;
    if (archived) return false;
    return isRight(copy, { key: to, version });
  }
  if (archived && !(await isRight(copy, from))) return false;
  const version = await copyParts(copy, limits.part);
  await confirmEncrypted(bucket, { key: to, version }, work.signal);
  return archived || isRight(copy, { key: to, version });
}

/** Whether what is read is what is expected. */
async function isRight({ bucket, expected, work }: CopyWithin, object: ObjectVersion): Promise<boolean> {
  const phase = `reading back what was copied within ${bucket.where.destination}`;
  const found = await digestBack(bucket, object, work, phase);
  return found !== undefined && isEqual(found, expected);
}

interface Copied {
  /** As the server tells it, of the whole. */
  readonly checksum: string | undefined;
  readonly version: string | undefined;
}

async function copyWhole({ bucket, from, to, expected, keeping, work }: CopyWithin): Promise<Copied> {
  const doing = { doing: `copying ${from.key} to ${to}`, right: 's3:PutObject', signal: work.signal };
  const { CopyObjectResult, VersionId } = await bucket.callSlow(doing, (s3, options) =>
    s3.copyObject(
      {
        Bucket: bucket.name,
        Key: bucket.objectOf(to),
        CopySource: sourceOf(bucket, from),
        ChecksumAlgorithm: 'SHA256',
        MetadataDirective: 'REPLACE',
        ...artifactAttributes(bucket.config, expected, keeping),
      },
      options,
    ),
  );
  return { checksum: CopyObjectResult?.ChecksumSHA256, version: VersionId };
}

/** Returns the version of the copy. */
async function copyParts(copy: CopyWithin, size: number): Promise<string | undefined> {
  const { bucket, from, to, expected, keeping, work } = copy;
  const object = { Bucket: bucket.name, Key: bucket.objectOf(to) };
  const doing = { doing: `copying ${from.key} to ${to}`, right: 's3:PutObject', signal: work.signal };
  const begun = await bucket.call(doing, (s3, options) =>
    s3.createMultipartUpload({ ...object, ...artifactAttributes(bucket.config, expected, keeping) }, options),
  );
  const upload = { ...object, UploadId: begun.UploadId ?? '' };
  const source = sourceOf(bucket, from);
  try {
    const numbers = Array.from({ length: Math.ceil(expected.bytes / size) }, (_, index) => index + 1);
    const Parts = await inParallel(numbers, bucket.config.parallel, async (PartNumber) => {
      const first = (PartNumber - 1) * size;
      const CopySourceRange = `bytes=${first}-${Math.min(first + size, expected.bytes) - 1}`;
      const part = { ...upload, PartNumber, CopySource: source, CopySourceRange };
      const { CopyPartResult } = await bucket.callSlow(doing, (s3, options) => s3.uploadPartCopy(part, options));
      return { PartNumber, ETag: CopyPartResult?.ETag };
    });
    const whole = { ...upload, MultipartUpload: { Parts: [...Parts] } };
    return (await bucket.callSlow(doing, (s3, options) => s3.completeMultipartUpload(whole, options))).VersionId;
  } catch (error) {
    await abortUpload(bucket, upload.Key, upload.UploadId);
    throw error;
  }
}

/** As a server takes it: each part of the path encoded, and its slashes not. */
function sourceOf(bucket: Bucket, { key, version }: ObjectVersion): string {
  const encoded = bucket.objectOf(key).split('/').map(encodeURIComponent).join('/');
  return `${bucket.name}/${encoded}${version === undefined ? '' : `?versionId=${encodeURIComponent(version)}`}`;
}
