/** Uploads that nobody goes on with: their parts are paid for, and no listing of objects shows them. */
import type { ListPartsCommandOutput, MultipartUpload, Part } from '@aws-sdk/client-s3';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import type { Bucket } from './bucket.ts';
import { ifPresent } from './read.ts';
import type { Uploads } from '../upload/uploads.ts';

/** Folders that artifacts lie in: what else is uploaded below the prefix is not ours. */
const OURS = /^(?:configs|daily|logs|monthly|weekly|yearly)\//;

/** Milliseconds without a part after which an upload counts as abandoned: a host that is down over a weekend goes on. */
export const IDLE_FOR = 3 * 24 * 3_600_000;

export interface Sweep {
  readonly bucket: Bucket;
  readonly uploads: Uploads;
  readonly idleFor: number;
  readonly work: Pick<Work, 'log' | 'signal'>;
}

/**
 * Aborts the uploads below our keys that no process of this host works at, and that have had no part for so long:
 * those of another host go on. Without the right to list them nothing is done, and the log says so.
 */
export async function abortAbandoned({ bucket, uploads, idleFor, work }: Sweep): Promise<void> {
  const known = await uploads.all();
  const alive = new Set(known.filter(({ alive }) => alive).map(({ upload }) => upload.uploadId));
  try {
    const open = new Set<string>();
    for await (const upload of listUploads(bucket, work.signal)) {
      const { Key: object = '', UploadId: uploadId = '' } = upload;
      open.add(uploadId);
      if (alive.has(uploadId) || !OURS.test(bucket.keyOf(object) ?? '')) continue;
      if (Date.now() - (await lastPart(bucket, upload, work.signal)) < idleFor) continue;
      await abortUpload(bucket, object, uploadId);
      open.delete(uploadId);
      work.log.info(
        { destination: bucket.where.destination, key: bucket.keyOf(object) ?? object },
        'abandoned upload aborted',
      );
    }
    for (const { file, upload, alive } of known) if (!alive && !open.has(upload.uploadId)) await uploads.forget(file);
  } catch (error) {
    if (!(error instanceof BackupError) || (error.code !== 'access-denied' && error.facts['status'] !== 501))
      throw error;
    work.log.debug(
      { destination: bucket.where.destination, problem: error.message },
      'abandoned uploads were not looked for',
    );
  }
}

/** The uploads below the prefix that have been begun and not ended. */
async function* listUploads(bucket: Bucket, signal: AbortSignal): AsyncGenerator<MultipartUpload> {
  const doing = { doing: 'looking for unfinished uploads', right: 's3:ListBucketMultipartUploads', signal };
  const wanted = { Bucket: bucket.name, Prefix: bucket.before };
  for (let from: Markers | undefined = {}; from !== undefined;) {
    const marker: Markers = from;
    const page = await bucket.call(doing, (s3, options) => s3.listMultipartUploads({ ...wanted, ...marker }, options));
    yield* page.Uploads ?? [];
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : undefined;
  }
}

interface Markers {
  readonly KeyMarker?: string | undefined;
  readonly UploadIdMarker?: string | undefined;
}

/** Gives back what was uploaded. One that is no longer there is fine. */
export async function abortUpload(bucket: Bucket, object: string, uploadId: string): Promise<void> {
  await bucket.call({ doing: `aborting the upload of ${object}`, right: 's3:AbortMultipartUpload' }, async (s3) => {
    await ifPresent(s3.abortMultipartUpload({ Bucket: bucket.name, Key: object, UploadId: uploadId }));
  });
}

/** When an upload was last added to, in milliseconds since 1970. */
async function lastPart(bucket: Bucket, upload: MultipartUpload, signal: AbortSignal): Promise<number> {
  const parts = await partsOf(bucket, { object: upload.Key ?? '', uploadId: upload.UploadId ?? '', signal });
  const times = (parts ?? []).map(({ LastModified }) => LastModified?.getTime() ?? 0);
  return Math.max(upload.Initiated?.getTime() ?? Date.now(), ...times);
}

export interface UploadAsked {
  readonly object: string;
  readonly uploadId: string;
  readonly signal?: AbortSignal;
}

/** The parts of an upload that the server has acknowledged; undefined where there is no such upload. */
export async function partsOf(
  bucket: Bucket,
  { object, uploadId, signal }: UploadAsked,
): Promise<readonly Part[] | undefined> {
  const parts: Part[] = [];
  const wanted = { Bucket: bucket.name, Key: object, UploadId: uploadId };
  const doing = { doing: `looking which parts of ${object} are there`, right: 's3:ListMultipartUploadParts', signal };
  for (let after: string | undefined = ''; after !== undefined;) {
    const from: object = after === '' ? {} : { PartNumberMarker: after };
    const page: ListPartsCommandOutput | undefined = await bucket.call(doing, (s3, options) =>
      ifPresent(s3.listParts({ ...wanted, ...from }, options)),
    );
    if (page === undefined) return undefined;
    parts.push(...(page.Parts ?? []));
    after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  }
  return parts;
}
