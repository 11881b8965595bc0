/** The versions of an object, where the bucket keeps them. */
import type { DeleteMarkerEntry, ListObjectVersionsCommandOutput, ObjectVersion } from '@aws-sdk/client-s3';
import { BackupError } from '../../../model/errors.ts';
import type { Bucket } from './bucket.ts';
import { ifPresent } from './read.ts';

export interface Version {
  readonly id: string;
  readonly bytes: number;
  /** A mark that hides the versions before it. */
  readonly marker: boolean;
  readonly latest: boolean;
  /** When the server stored it, by its own clock, in milliseconds since the epoch; undefined where it does not tell. Whoever writes cannot choose it. */
  readonly time: number | undefined;
}

/** Whether a bucket keeps versions. A server that knows none, or does not tell us, keeps none. */
export async function keepsVersions(bucket: Bucket): Promise<boolean> {
  try {
    const { Status } = await bucket.call(
      { doing: 'asking whether the bucket keeps versions', right: 's3:GetBucketVersioning' },
      (s3, options) => s3.getBucketVersioning({ Bucket: bucket.name }, options),
    );
    return Status !== undefined;
  } catch (error) {
    if (error instanceof BackupError && (error.code === 'access-denied' || error.facts['status'] === 501)) return false;
    throw error;
  }
}

/** Every version and delete marker of one key, the newest first. */
export async function versionsOf(bucket: Bucket, key: string): Promise<readonly Version[]> {
  const object = bucket.objectOf(key);
  const found: Version[] = [];
  for await (const page of versionPages(bucket, object)) {
    const entries = [
      ...(page.Versions ?? []).map((entry) => versionOf(entry, false)),
      ...(page.DeleteMarkers ?? []).map((entry) => versionOf(entry, true)),
    ];
    found.push(...entries.filter((entry) => entry.object === object));
    // Objects come in the order of their names: what begins with this one's follows it.
    if (entries.some((entry) => entry.object > object)) break;
  }
  return found.toSorted((a, b) => Number(b.latest) - Number(a.latest) || (b.time ?? 0) - (a.time ?? 0));
}

function versionOf(entry: ObjectVersion | DeleteMarkerEntry, marker: boolean) {
  return {
    object: entry.Key ?? '',
    id: entry.VersionId ?? 'null',
    bytes: 'Size' in entry ? (entry.Size ?? 0) : 0,
    marker,
    latest: entry.IsLatest ?? false,
    time: storedAt(entry),
  };
}

/** Base 32 as ULIDs are written. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/**
 * When the server stored a version, in milliseconds since the epoch; undefined where it does not tell. versitygw 1.8 tells of one that lies below another
 * when it was put there, and so when it was replaced; but its ids are ULIDs, which begin with the time at which they were given.
 */
export function storedAt({
  VersionId = '',
  LastModified,
}: Pick<ObjectVersion, 'VersionId' | 'LastModified'>): number | undefined {
  const told = LastModified?.getTime();
  if (told === undefined || !ULID.test(VersionId)) return told;
  const given = Array.from(VersionId.slice(0, 10)).reduce((time, digit) => time * 32 + DIGITS.indexOf(digit), 0);
  return Math.min(told, given);
}

/** Versions and delete markers of all objects whose name begins so, in pages. */
export async function* versionPages(bucket: Bucket, prefix: string): AsyncGenerator<ListObjectVersionsCommandOutput> {
  const doing = { doing: `listing versions below ${prefix}`, right: 's3:ListBucketVersions' };
  const wanted = { Bucket: bucket.name, Prefix: prefix };
  for (let from: Markers | undefined = {}; from !== undefined;) {
    const marker: Markers = from;
    const page = await bucket.call(doing, (s3, options) => s3.listObjectVersions({ ...wanted, ...marker }, options));
    yield page;
    from = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker } : undefined;
  }
}

interface Markers {
  readonly KeyMarker?: string | undefined;
  readonly VersionIdMarker?: string | undefined;
}

/** Deletes one version, or the object of a bucket that keeps none; one that is not there is fine. */
export async function removeVersion(bucket: Bucket, key: string, version: string | undefined): Promise<void> {
  const wanted = {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    ...(version === undefined ? {} : { VersionId: version }),
  };
  const right = version === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
  await bucket.call({ doing: `deleting ${key}`, right }, (s3, options) => ifPresent(s3.deleteObject(wanted, options)));
}
