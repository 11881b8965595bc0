/**
 * The identity that one backup was encrypted to, out of what is stored as its key. The signature leaves `key` out, so that
 * whoever may write at a place can put one there that opens, and is not of this backup.
 */
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { KEY_FILE, MANIFEST } from '../../model/paths.ts';
import { unwrapIdentity } from '../keys/identity.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { manifestDigest, readableManifest } from '../storage/manifest-file.ts';
import type { Store } from '../storage/types.ts';
import { fitsArtifacts } from './keys/backup-key.ts';

/**
 * Out of the manifest; out of key.age where that one does not open: a rotation that was cut off leaves the two different.
 * @param identities the text of an age identity file.
 * @throws BackupError what the manifest's own key says, where key.age opens no better.
 */
export async function ownIdentity(store: Store, { folder, manifest }: Catalogued, identities: string): Promise<string> {
  try {
    return await unwrapIdentity(manifest.key, identities);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const beside = await store.readSmall(`${folder}/${KEY_FILE}`).catch(nothing);
    const other = beside && (await unwrapped(textOf(beside), identities));
    if (other !== undefined) return other;
    throw error;
  }
}

/**
 * Another one that does open the artifacts, where the first does not: out of key.age, or of what the two were before, where
 * the place keeps that. Undefined where there is none.
 */
export async function otherIdentity(
  store: Store,
  backup: Catalogued,
  identities: string,
  first: string,
): Promise<string | undefined> {
  const tried = new Set([first]);
  for await (const key of storedKeys(store, backup)) {
    const identity = await unwrapped(key, identities);
    if (identity === undefined || tried.has(identity)) continue;
    tried.add(identity);
    if (await fitsArtifacts(store, backup.folder, backup.manifest, identity)) return identity;
  }
  return undefined;
}

async function* storedKeys(store: Store, { folder, manifest }: Catalogued): AsyncGenerator<string> {
  const beside = await store.readSmall(`${folder}/${KEY_FILE}`);
  if (beside !== undefined) yield textOf(beside);
  if (!store.earlier) return;
  for await (const bytes of store.earlier(`${folder}/${MANIFEST}`)) {
    const before = readableManifest(bytes);
    if (before !== undefined && isSame(before, manifest)) yield before.key;
  }
  for await (const bytes of store.earlier(`${folder}/${KEY_FILE}`)) yield textOf(bytes);
}

function isSame(one: Manifest, two: Manifest): boolean {
  return manifestDigest(one) === manifestDigest(two);
}

function unwrapped(key: string, identities: string): Promise<string | undefined> {
  return unwrapIdentity(key, identities).catch(nothing);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

/** What a typed error says is that there is none. */
function nothing(error: unknown): undefined {
  if (error instanceof BackupError) return undefined;
  throw error;
}
