/**
 * Which version is meant, in a bucket that keeps them: whoever may write can put a newer version over an object, or hide
 * it by a delete marker. Of a manifest it is the newest that is accepted, of an artifact the newest whose digest its
 * manifest names.
 */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import type { Artifact } from '../../../model/manifest.ts';
import { parseManifest } from '../manifest-file.ts';
import type { Accepts } from '../types.ts';
import type { Bucket } from './bucket.ts';
import { artifactVersion } from './choose-artifact.ts';
import { bytesOf } from './read.ts';
import type { Seen } from './seen.ts';
import { versionsOf, type Version } from './versions.ts';

/**
 * Versions that are looked at, of the newest and of the oldest: nobody can make a restore read for ever, and nobody who
 * comes later can put anything below the first ones, which are ours.
 */
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
  for (const { id: version } of lookedAt(await versionsOf(bucket, key))) {
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
  const versions = lookedAt(all);
  const [newest] = versions;
  if (newest === undefined || all.length === 1) return undefined;
  const artifact = await artifactOf(choosing, key);
  const right = artifact && (await artifactVersion(bucket, key, { versions, artifact }));
  return right ?? newest.id;
}

/**
 * What a small object was before, the newest first: for whoever finds that the one that is read now is not right.
 */
export async function* earlierOf({ bucket, versioned }: Choosing, key: string): AsyncGenerator<Uint8Array> {
  if (!(await versioned())) return;
  for (const { id: version } of lookedAt(await versionsOf(bucket, key))) {
    const bytes = await bytesOf(bucket, { key, version });
    if (bytes !== undefined) yield bytes;
  }
}

/** @param all the newest first. */
function lookedAt(all: readonly Version[]): readonly Version[] {
  const versions = all.filter(({ marker }) => !marker);
  if (versions.length <= 2 * MOST_VERSIONS) return versions;
  return [...versions.slice(0, MOST_VERSIONS), ...versions.slice(-MOST_VERSIONS)];
}

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
