/**
 * Which version is meant, in a bucket that keeps them: whoever may write can put a newer version over an object, or hide
 * it by a delete marker. Of a manifest it is the newest that is accepted, of an artifact the newest whose digest its
 * manifest names.
 */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { parseManifest } from '../manifest-file.ts';
import type { Accepts } from '../types.ts';
import { DIGEST } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { bytesOf, headOf } from './read.ts';
import type { Seen } from './seen.ts';
import { versionsOf, type Version } from './versions.ts';

/** Versions that are looked at, from the newest on: nobody can make a restore read for ever. */
const MOST_VERSIONS = 50;

export interface Choosing {
  readonly bucket: Bucket;
  readonly versioned: () => Promise<boolean>;
  readonly seen: Seen;
  /** Undefined: whatever is the newest is accepted. */
  readonly accepts: Accepts | undefined;
}

/** A manifest as it is accepted; where no version is, the newest that is visible, so that what is wrong with it is told. */
export async function chooseManifest(
  { bucket, versioned, seen, accepts }: Choosing,
  key: string,
): Promise<Uint8Array | undefined> {
  const newest = await bytesOf(bucket, { key });
  if (accepts === undefined || seen.isSingle(bucket.objectOf(key)) || !(await versioned())) return newest;
  if (newest !== undefined && (await accepts(key, newest))) return newest;
  for (const { id: version } of await datedVersions(bucket, key)) {
    const bytes = await bytesOf(bucket, { key, version });
    if (bytes !== undefined && (await accepts(key, bytes))) return bytes;
  }
  return newest;
}

/** The version of an artifact to read; undefined for the current one. */
export async function chooseVersion(choosing: Choosing, key: string): Promise<string | undefined> {
  const { bucket, versioned, seen } = choosing;
  if (seen.isSingle(bucket.objectOf(key)) || !(await versioned())) return undefined;
  const all = await versionsOf(bucket, key);
  const versions = all.filter(({ marker }) => !marker).slice(0, MOST_VERSIONS);
  const [newest] = versions;
  if (newest === undefined || all.length === 1) return undefined;
  const artifact = await artifactOf(choosing, key);
  if (artifact !== undefined) {
    for (const version of versions) if (await isArtifact(bucket, key, { version, artifact })) return version.id;
  }
  return newest.id;
}

async function datedVersions(bucket: Bucket, key: string): Promise<readonly Version[]> {
  return (await versionsOf(bucket, key)).filter(({ marker }) => !marker).slice(0, MOST_VERSIONS);
}

type Artifact = Manifest['artifacts'][number];

/** What the manifest beside says of an artifact; undefined where none does. */
async function artifactOf(choosing: Choosing, key: string): Promise<Artifact | undefined> {
  const manifest = await chooseManifest(choosing, `${path.posix.dirname(key)}/${MANIFEST}`);
  if (manifest === undefined) return undefined;
  try {
    return parseManifest(manifest).artifacts.find(({ name }) => name === path.posix.basename(key));
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

/** By what was recorded when it was stored: whether it still is that is for whoever reads it to see. */
async function isArtifact(
  bucket: Bucket,
  key: string,
  { version, artifact }: { readonly version: Version; readonly artifact: Artifact },
): Promise<boolean> {
  if (version.bytes !== artifact.bytes) return false;
  const head = await headOf(bucket, { key, version: version.id });
  return head?.Metadata?.[DIGEST] === artifact.sha256;
}
