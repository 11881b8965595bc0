/** Listing, in the order of keys, page by page. */
import { MANIFEST } from '../../../model/paths.ts';
import type { ListedObject, ListOptions } from '../types.ts';
import type { Bucket } from './bucket.ts';
import type { Seen } from './seen.ts';
import { storedAt, versionPages } from './versions.ts';

/** What is below a prefix, in a bucket without versions. */
export async function* listObjects(bucket: Bucket, prefix: string, options: ListOptions): AsyncGenerator<ListedObject> {
  const wanted = { Bucket: bucket.name, Prefix: below(bucket, prefix) };
  const doing = { doing: `listing ${prefix === '' ? 'everything' : prefix}`, right: 's3:ListBucket' };
  for (let from: Token | undefined = {}; from !== undefined;) {
    const token: Token = from;
    const page = await bucket.call(doing, (s3, call) => s3.listObjectsV2({ ...wanted, ...token }, call));
    for (const { Key, Size, ETag } of page.Contents ?? []) {
      const key = wantedKey(bucket, Key, options);
      if (key !== undefined) yield { key, bytes: Size ?? 0, ...versioned(ETag) };
    }
    from = page.IsTruncated ? { ContinuationToken: page.NextContinuationToken } : undefined;
  }
}

interface Token {
  readonly ContinuationToken?: string | undefined;
}

/**
 * The same in a bucket with versions. A manifest that a delete marker hides is listed all the same, with a problem: its
 * backup is still there, and nobody of ours sets such marks. Other objects that are hidden count as missing, so that
 * they are copied again.
 */
export async function* listVersions(
  bucket: Bucket,
  prefix: string,
  { options, seen }: { readonly options: ListOptions; readonly seen: Seen },
): AsyncGenerator<ListedObject> {
  const hidden = new Set<string>();
  let current: { readonly object: string; count: number } | undefined;
  for await (const page of versionPages(bucket, below(bucket, prefix))) {
    for (const { Key, IsLatest } of page.DeleteMarkers ?? []) if (IsLatest && Key !== undefined) hidden.add(Key);
    for (const { Key: object, Size, IsLatest, VersionId } of page.Versions ?? []) {
      const key = wantedKey(bucket, object, options);
      if (key === undefined || object === undefined) continue;
      const isFirst = current?.object !== object;
      if (isFirst) {
        if (current?.count === 1) seen.single(current.object);
        current = { object, count: hidden.has(object) ? 2 : 1 };
      } else if (current) {
        current.count += 1;
      }
      const found = { key, bytes: Size ?? 0, ...versioned(VersionId) };
      if (IsLatest) yield found;
      else if (isFirst && hidden.has(object) && key.endsWith(`/${MANIFEST}`)) yield { ...found, problem: HIDDEN };
    }
  }
  if (current?.count === 1) seen.single(current.object);
}

/**
 * The same as it was at a moment. Delete markers hide nothing there: nobody of ours sets any.
 * @param was whether what was stored at a time (milliseconds since the epoch) was there.
 */
export async function* listBefore(
  bucket: Bucket,
  prefix: string,
  { options, was }: { readonly options: ListOptions; readonly was: (time: number | undefined) => boolean },
): AsyncGenerator<ListedObject> {
  let last: string | undefined;
  for await (const page of versionPages(bucket, below(bucket, prefix))) {
    // The newest of each object comes first.
    for (const version of page.Versions ?? []) {
      const { Key: object, Size, VersionId } = version;
      const key = wantedKey(bucket, object, options);
      if (key === undefined || key === last || !was(storedAt(version))) continue;
      last = key;
      yield { key, bytes: Size ?? 0, ...versioned(VersionId) };
    }
  }
}

const HIDDEN = 'somebody has hidden its manifest by a delete marker. The backup is still there, in an older version.';

function versioned(version: string | undefined): { readonly version?: string } {
  return version === undefined ? {} : { version };
}

function below(bucket: Bucket, prefix: string): string {
  return prefix === '' ? bucket.before : `${bucket.objectOf(prefix)}/`;
}

function wantedKey(bucket: Bucket, object: string | undefined, { named }: ListOptions): string | undefined {
  const key = object === undefined ? undefined : bucket.keyOf(object);
  if (key === undefined || named === undefined || key === named || key.endsWith(`/${named}`)) return key;
  return undefined;
}
