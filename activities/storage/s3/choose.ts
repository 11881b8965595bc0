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
  if (artifact !== undefined) {
    for (const version of inTurn(versions)) if (await isArtifact(bucket, key, { version, artifact })) return version.id;
  }
  return newest.id;
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
async function objectVersions(bucket: Bucket, key: string): Promise<readonly Version[]> {
  return (await versionsOf(bucket, key)).filter(({ marker }) => !marker);
}

function inTurn(versions: readonly Version[]): readonly Version[] {
  return [...versions.slice(0, NEWEST), ...versions.slice(NEWEST).toReversed()];
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
