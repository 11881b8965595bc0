/** Storing of an artifact: in one piece where it is small, in parts where it is not. */
import { open, type FileHandle } from 'node:fs/promises';
import { fill } from '../../streams/blocks-of.ts';
import { counter } from '../../streams/digest.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { damagedFile, isEqual, missingFile } from '../damaged-file.ts';
import { ifThere, translated } from '../fs-errors.ts';
import type { PutOptions, Stored } from '../types.ts';
import { artifactAttributes } from './attributes.ts';
import { withBody } from '../aws/body.ts';
import type { Bucket } from './bucket.ts';
import { wholeChecksum } from './checksums.ts';
import { confirmStored, isThere, unconfirmed } from './confirm.ts';
import { extendLock } from './lock.ts';
import { abortOthers, putParts } from './multipart.ts';
import { paceOf, slowestOf } from '../rate.ts';
import { cutOf } from './parts.ts';
import { watchSending } from '../upload/sending.ts';
import type { Uploads } from '../upload/uploads.ts';

export interface Put {
  readonly bucket: Bucket;
  readonly uploads: Uploads;
  readonly key: string;
  readonly file: string;
  readonly expected: Stored;
  readonly options: PutOptions;
  /** Looks for abandoned uploads, before the first upload in parts. */
  readonly sweep: () => Promise<void>;
  readonly work: Work;
}

/**
 * Stores a file. The server is sent the SHA-256 of each request, and refuses other bytes; the file as a whole is
 * compared with what its manifest says before the object gets its name.
 */
export async function putArtifact(put: Put): Promise<void> {
  const { bucket, key, file, expected, options, work } = put;
  if (work.signal.aborted) throw aborted();
  const there = await isThere({ bucket, object: { key }, expected, work });
  // Sent again it would be no better.
  if (there === 'unproven') throw unconfirmed({ bucket, object: { key } }, bucket.config.storageClass);
  if (there) {
    await extendLock(bucket, { key }, options);
    await abortOthers(put, undefined);
    return;
  }
  const cut = cutOf(expected.bytes, bucket.config);
  const opened = await translated(file, `reading ${file}`, () => ifThere(open(file, 'r')));
  if (opened === undefined) throw missingFile(file, bucket.where.destination);
  try {
    if (cut.count > 1) await put.sweep();
    await (cut.count === 1 ? putWhole(put, opened) : putParts({ ...put, opened, cut }));
  } finally {
    await opened.close();
  }
}

async function putWhole(put: Put, opened: FileHandle): Promise<void> {
  const { bucket, key, expected, options, work } = put;
  const bytes = await readWhole(put, opened);
  const checksum = wholeChecksum(expected.sha256);
  const sending = watchSending(`copying to ${bucket.where.destination}`, expected.bytes, work);
  const command = async () => {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const made = new PutObjectCommand({
      Bucket: bucket.name,
      Key: bucket.objectOf(key),
      Body: bytes,
      ChecksumSHA256: checksum,
      // Some servers keep a checksum only where its name is said as well.
      ChecksumAlgorithm: 'SHA256',
      ...artifactAttributes(bucket.config, expected, options),
    });
    return withBody(made, {
      bytes,
      pace: paceOf(slowestOf(put.bucket.config.maxRate, put.options.maxRate)),
      ...sending.part(1),
    });
  };
  const { VersionId: version } = await sending.during(() =>
    bucket.call({ doing: `copying ${key}`, right: 's3:PutObject', signal: sending.signal }, async (s3, call) =>
      s3.send(await command(), call),
    ),
  );
  await confirmStored({ bucket, object: { key, version }, expected, checksum, work });
  work.log.debug({ key, destination: bucket.where.destination, bytes: expected.bytes }, 'object stored and confirmed');
}

/** @throws BackupError `verification-failed` when the file is not what is expected. */
async function readWhole({ bucket, key, file, expected }: Put, opened: FileHandle): Promise<Buffer> {
  // One byte more than it should have: a file that has grown is not taken for the right one.
  const buffer = Buffer.allocUnsafeSlow(expected.bytes + 1);
  const filled = await translated(file, `reading ${file}`, () => fill(opened, buffer, 0));
  const bytes = buffer.subarray(0, filled);
  const count = counter();
  count.add(bytes);
  const found = count.stored();
  if (!isEqual(found, expected)) throw damagedFile({ key, file, expected, found, to: bucket.where.destination });
  return bytes;
}
