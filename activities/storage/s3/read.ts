/** Reading of objects. */
import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { BackupError } from '../../../model/errors.ts';
import { digestOf } from '../../streams/digest.ts';
import type { Work } from '../../work.ts';
import { continued } from '../aws/continued.ts';
import type { Stored } from '../types.ts';
import type { Bucket } from './bucket.ts';
import { isAbsent, s3Error } from './errors.ts';

/** An object, or one version of it. */
export interface ObjectVersion {
  readonly key: string;
  /** Undefined: the current one. */
  readonly version?: string | undefined;
}

/** What the server says of an object; undefined where there is none. */
export async function headOf(
  bucket: Bucket,
  { key, version }: ObjectVersion,
  signal?: AbortSignal,
): Promise<HeadObjectCommandOutput | undefined> {
  const wanted = {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    ChecksumMode: 'ENABLED' as const,
    ...versionId(version),
  };
  return bucket.call({ doing: `looking at ${key}`, right: 's3:GetObject', signal }, (s3, options) =>
    ifPresent(s3.headObject(wanted, options)),
  );
}

/** A small object whole; undefined where there is none. */
export async function bytesOf(bucket: Bucket, object: ObjectVersion): Promise<Uint8Array | undefined> {
  return (await wholeOf(bucket, object))?.bytes;
}

/** The same, with what the server says of it. */
export async function wholeOf(
  bucket: Bucket,
  { key, version }: ObjectVersion,
): Promise<{ readonly bytes: Uint8Array; readonly told: GetObjectCommandOutput } | undefined> {
  const wanted = { Bucket: bucket.name, Key: bucket.objectOf(key), ...versionId(version) };
  return bucket.call({ doing: `reading ${key}`, right: 's3:GetObject' }, async (s3, options) => {
    const told = await ifPresent(s3.getObject(wanted, options));
    const bytes = await told?.Body?.transformToByteArray();
    return told && bytes && { bytes, told };
  });
}

/** Size and digest of an object, read to its end; undefined where there is none. */
export async function digestBack(
  bucket: Bucket,
  object: ObjectVersion,
  work: Work,
  phase: string,
): Promise<Stored | undefined> {
  const stream = await openObject(bucket, object, work.signal);
  return stream === undefined ? undefined : digestOf(stream, work, phase);
}

/** A bulk object; undefined where there is none. */
export async function openObject(
  bucket: Bucket,
  object: ObjectVersion,
  signal?: AbortSignal,
): Promise<Readable | undefined> {
  const first = await get(bucket, object, { from: 0, signal });
  if (first === undefined) return undefined;
  return continued({
    total: first.ContentLength ?? 0,
    first: bodyOf(first),
    async from(at) {
      const response = await get(bucket, object, { from: at, etag: first.ETag, signal });
      if (response === undefined) throw gone(bucket, object);
      return bodyOf(response);
    },
    translate: (error) =>
      s3Error(error, { doing: `reading ${object.key}`, right: 's3:GetObject', signal }, bucket.where),
    signal,
  });
}

function bodyOf({ Body }: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  return Body as AsyncIterable<Uint8Array>; // in Node it is a stream of bytes
}

interface From {
  readonly from: number;
  readonly etag?: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** From a byte on, of the object that was begun with: another of its name since then is refused by the server. */
async function get(bucket: Bucket, { key, version }: ObjectVersion, { from, etag, signal }: From) {
  const wanted = {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    ...versionId(version),
    ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
    ...(etag === undefined ? {} : { IfMatch: etag }),
  };
  return bucket.call({ doing: `reading ${key}`, right: 's3:GetObject', signal }, (s3, options) =>
    ifPresent(s3.getObject(wanted, options)),
  );
}

function versionId(version: string | undefined) {
  return version === undefined ? {} : { VersionId: version };
}

/** The answer, or undefined where the server has no such object. */
export async function ifPresent<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** There is no such object. */
export function missing({ where }: Bucket, key: string): BackupError {
  return new BackupError('not-found', `${key} is not there (bucket ${where.bucket} at ${where.server}).`, {
    remedy: 'Run `mosaic-backup verify` on this backup, and use another copy.',
    facts: { key, destination: where.destination, bucket: where.bucket },
  });
}

function gone({ where }: Bucket, { key }: ObjectVersion): BackupError {
  return new BackupError('not-found', `${key} was deleted at ${where.destination} while it was read.`, {
    remedy: 'See who deletes there; use another copy.',
    facts: { key, destination: where.destination },
  });
}
