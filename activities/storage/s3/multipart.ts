/**
 * Upload in parts. What the server has acknowledged is not sent again: the upload is remembered in state, and an
 * attempt that takes it over compares each part of the file with what the server holds of it.
 */
import type { FileHandle } from 'node:fs/promises';
import { abortUpload, partsOf } from './abandoned.ts';
import { artifactAttributes } from './attributes.ts';
import { withBody } from '../aws/body.ts';
import { compositeChecksum } from './checksums.ts';
import { confirmStored } from './confirm.ts';
import { isAbsent } from './errors.ts';
import { extendLock } from './lock.ts';
import { paceOf, slowestOf } from '../rate.ts';
import type { FilePart } from '../upload/part-reader.ts';
import { cutBy, type Cut } from '../upload/cut.ts';
import { leaveUpload } from '../upload/left.ts';
import type { Put } from './put.ts';
import { sendParts } from '../upload/send-parts.ts';
import type { Sending } from '../upload/sending.ts';
import type { Adopted } from '../upload/uploads.ts';

export interface PartsPut extends Put {
  readonly opened: FileHandle;
  readonly cut: Cut;
}

/** A part at the other side. */
interface Held {
  readonly etag: string;
  readonly sha256: Buffer;
}

export async function putParts(put: PartsPut): Promise<void> {
  const { bucket, uploads, key, expected, options, work } = put;
  const { upload, file, held } = (await takeOver(put)) ?? (await begin(put));
  let version: string | undefined;
  let parts: readonly Held[] | undefined;
  try {
    parts = await sendAll(put, upload, held);
    version = await complete(put, upload.uploadId, parts);
  } catch (error) {
    const abort = () => abortUpload(bucket, upload.object, upload.uploadId);
    const { destination } = bucket.where;
    await leaveUpload({ uploads, file, destination, abort, work }, { error, wasSent: parts !== undefined });
    throw error;
  }
  await uploads.forget(file);
  const checksum = compositeChecksum(parts.map(({ sha256 }) => sha256));
  await confirmStored({ bucket, object: { key, version }, expected, checksum, work });
  await extendLock(bucket, { key }, options);
  work.log.debug(
    { key, destination: bucket.where.destination, bytes: expected.bytes, parts: parts.length },
    'object stored and confirmed',
  );
}

interface UnderWay extends Adopted {
  /** By number, what the server holds already: the checksum that it tells. */
  readonly held: ReadonlyMap<number, { readonly etag: string; readonly checksum: string | undefined }>;
}

/** An upload of this object that a dead process, or a failed attempt, has left. */
async function takeOver(put: PartsPut): Promise<UnderWay | undefined> {
  const { bucket, uploads, key, expected, work } = put;
  for (;;) {
    const adopted = await uploads.adopt(bucket.objectOf(key), expected);
    if (adopted === undefined) return undefined;
    const held = await heldOf(put, adopted).catch(async (error: unknown) => {
      await uploads.release(adopted.file);
      throw error;
    });
    if (held !== undefined) {
      work.log.info(
        { key, destination: bucket.where.destination, parts: held.size },
        'upload goes on where it stopped',
      );
      return { ...adopted, held };
    }
    // Somebody has aborted it, a rule of the bucket perhaps.
    await uploads.forget(adopted.file);
  }
}

/** What the server holds of an upload; undefined where it knows none such. */
async function heldOf(put: PartsPut, adopted: Adopted): Promise<UnderWay['held'] | undefined> {
  const { object, uploadId } = adopted.upload;
  const parts = await partsOf(put.bucket, { object, uploadId, signal: put.work.signal });
  if (parts === undefined) return undefined;
  await abortOthers(put, adopted);
  return new Map(
    parts.map(({ PartNumber, ETag, ChecksumSHA256 }) => [
      PartNumber ?? 0,
      { etag: ETag ?? '', checksum: ChecksumSHA256 },
    ]),
  );
}

async function begin(put: PartsPut): Promise<UnderWay> {
  const { bucket, uploads, key, expected, options, work, cut } = put;
  await abortOthers(put, undefined);
  const object = bucket.objectOf(key);
  const made = await bucket.call(
    { doing: `beginning the upload of ${key}`, right: 's3:PutObject', signal: work.signal },
    (s3, call) =>
      s3.createMultipartUpload(
        {
          Bucket: bucket.name,
          Key: object,
          ChecksumAlgorithm: 'SHA256',
          ...artifactAttributes(bucket.config, expected, options),
        },
        call,
      ),
  );
  const upload = { bucket: bucket.name, object, uploadId: made.UploadId ?? '', ...expected, partSize: cut.size };
  return { upload, file: await uploads.remember(upload), held: new Map() };
}

/** Gives back what dead processes have left of other uploads of this object: of another content, or one too many. */
export async function abortOthers({ bucket, uploads, key }: Put, own: Adopted | undefined): Promise<void> {
  for (const { file, upload, alive } of await uploads.all()) {
    if (alive || file === own?.file || upload.object !== bucket.objectOf(key)) continue;
    await abortUpload(bucket, upload.object, upload.uploadId);
    await uploads.forget(file);
  }
}

/** All parts, as far as the server does not hold them. */
function sendAll(
  put: PartsPut,
  { uploadId, partSize }: Adopted['upload'],
  held: UnderWay['held'],
): Promise<readonly Held[]> {
  const { bucket, key, file, expected, opened, work } = put;
  const sendOne = partSender(put, uploadId);
  return sendParts({
    key,
    file,
    opened,
    expected,
    cut: cutBy(expected.bytes, partSize, bucket.config.parallel),
    to: bucket.where.destination,
    async send(part, sending) {
      const there = held.get(part.number);
      const isHeld = there?.checksum === part.sha256.toString('base64');
      return { etag: there && isHeld ? there.etag : await sendOne(part, sending), sha256: part.sha256 };
    },
    work,
  });
}

/** What sends one part, and returns its ETag. */
function partSender(put: Put, uploadId: string): (part: FilePart, sending: Sending) => Promise<string> {
  const { bucket, key } = put;
  const limit = paceOf(slowestOf(put.bucket.config.maxRate, put.options.maxRate));
  return async ({ number, bytes, sha256 }, sending) => {
    const { UploadPartCommand } = await import('@aws-sdk/client-s3');
    const command = new UploadPartCommand({
      Bucket: bucket.name,
      Key: bucket.objectOf(key),
      UploadId: uploadId,
      PartNumber: number,
      Body: bytes,
      ChecksumSHA256: sha256.toString('base64'),
    });
    withBody(command, { bytes, pace: limit, ...sending.part(number) });
    const doing = { doing: `copying ${key}, part ${number},`, right: 's3:PutObject', signal: sending.signal };
    const { ETag } = await bucket.call(doing, (s3, options) => s3.send(command, options));
    return ETag ?? '';
  };
}

/** Makes the parts one object; returns its version. Where an answer was lost the upload is gone, and the object there. */
async function complete(
  { bucket, key, work }: Put,
  uploadId: string,
  parts: readonly Held[],
): Promise<string | undefined> {
  const doing = { doing: `completing ${key}`, right: 's3:PutObject', signal: work.signal };
  return bucket.callSlow(doing, async (s3, options) => {
    try {
      const done = await s3.completeMultipartUpload(
        {
          Bucket: bucket.name,
          Key: bucket.objectOf(key),
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map(({ etag, sha256 }, index) => ({
              PartNumber: index + 1,
              ETag: etag,
              ChecksumSHA256: sha256.toString('base64'),
            })),
          },
        },
        options,
      );
      return done.VersionId;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return undefined;
    }
  });
}
