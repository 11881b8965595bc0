/**
 * Which version is meant, in a bucket that keeps them: whoever may write can put a newer version over an object, or hide
 * it by a delete marker. Of a manifest it is the newest that is accepted, of an artifact the newest whose digest its
 * manifest names.
 */
import path from 'node:path';
import { MANIFEST } from '../../../model/paths.ts';
import type { Artifact } from '../../../model/manifest.ts';
import { readableManifest } from '../manifest-file.ts';
import type { Accepts } from '../types.ts';
import type { Bucket } from './bucket.ts';
import { artifactVersion } from './choose-artifact.ts';
import { bytesOf } from './read.ts';
import type { Seen } from './seen.ts';
import { versionsOf, type Version } from './versions.ts';

/**
 * Versions that are looked at from the newest on. Then it goes on from the oldest: whoever has put very many above ours
 * could not put one below it.
 */
const NEWEST = 20;

export interface Choosing {
  readonly bucket: Bucket;
  readonly versioned: () => Promise<boolean>;
  readonly seen: Seen;
  /** Undefined: whatever is the newest is accepted. */
  readonly accepts: Accepts | undefined;
}

/** A manifest as it is accepted; where no version is, the newest that is visible, so that what is wrong with it is told. */
export async function chooseManifest(choosing: Choosing, key: string): Promise<Uint8Array | undefined> {
  return (await acceptedManifest(choosing, key)).bytes;
}

/** The version of an object to read, or to keep; undefined for the current one. */
export async function chooseVersion(choosing: Choosing, key: string): Promise<string | undefined> {
  const { bucket, versioned, seen } = choosing;
  if (seen.isSingle(bucket.objectOf(key)) || !(await versioned())) return undefined;
  if (path.posix.basename(key) === MANIFEST) return (await acceptedManifest(choosing, key)).version;
  const versions = await objectVersions(bucket, key);
  const [newest] = versions;
  if (newest === undefined || (versions.length === 1 && newest.latest)) return undefined;
  const artifact = await artifactOf(choosing, key);
  const right = artifact && (await artifactVersion(bucket, key, { versions, artifact }));
  return right ?? newest.id;
}

/** What a small object was before: for whoever finds that the one that is read now is not right. */
export async function* earlierOf({ bucket, versioned }: Choosing, key: string): AsyncGenerator<Uint8Array> {
  if (!(await versioned())) return;
  for (const { id: version } of inTurn(await objectVersions(bucket, key))) {
    const bytes = await bytesOf(bucket, { key, version });
    if (bytes !== undefined) yield bytes;
  }
}

interface Chosen {
  readonly bytes: Uint8Array | undefined;
  /** Undefined: the current one. */
  readonly version: string | undefined;
}

async function acceptedManifest({ bucket, versioned, seen, accepts }: Choosing, key: string): Promise<Chosen> {
  const current = { bytes: await bytesOf(bucket, { key }), version: undefined };
  if (accepts === undefined || seen.isSingle(bucket.objectOf(key)) || !(await versioned())) return current;
  if (current.bytes !== undefined && (await accepts(key, current.bytes))) return current;
  for (const { id: version } of inTurn(await objectVersions(bucket, key))) {
    const bytes = await bytesOf(bucket, { key, version });
    if (bytes !== undefined && (await accepts(key, bytes))) return { bytes, version };
  }
  return current;
}

/** The newest first, without delete markers. */
export async function objectVersions(bucket: Bucket, key: string): Promise<readonly Version[]> {
  return (await versionsOf(bucket, key)).filter(({ marker }) => !marker);
}

/** In the order in which versions are looked at. @param versions the newest first. */
export function inTurn(versions: readonly Version[]): readonly Version[] {
  return [...versions.slice(0, NEWEST), ...versions.slice(NEWEST).toReversed()];
}

/** What the manifest beside says of an artifact; undefined where none does. */
async function artifactOf(choosing: Choosing, key: string): Promise<Artifact | undefined> {
  return artifactIn(await chooseManifest(choosing, manifestBeside(key)), key);
}

export function manifestBeside(key: string): string {
  return `${path.posix.dirname(key)}/${MANIFEST}`;
}

/** The artifact of a key in the manifest beside it. */
export function artifactIn(manifest: Uint8Array | undefined, key: string): Artifact | undefined {
  const read = manifest && readableManifest(manifest);
  return read?.artifacts.find(({ name }) => name === path.posix.basename(key));
}
