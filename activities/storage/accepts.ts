/** Which manifests a site believes, for places that keep several versions of one. */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { isFolderOf, VAULTS } from '../../model/paths.ts';
import { unwrapIdentity } from '../keys/identity.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { siteIdentity, trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { manifestVerdict, parseManifest } from './manifest-file.ts';
import type { Accepts } from './types.ts';

/**
 * Of the backup whose folder it lies in, signed by a key that the site trusts and, where this host has an identity, with
 * a `key` that it opens: `key` is not under the signature, since rotation rewrites it, so that a foreign one makes no bad
 * signature; and whoever may write can put the manifest of one backup over that of another, which is signed as well.
 */
export function acceptsOf(site: Site): Accepts {
  let keys: Promise<readonly TrustedKey[]> | undefined;
  let identity: Promise<string | undefined> | undefined;
  return async function accepts(key, bytes) {
    const manifest = parsed(bytes);
    if (manifest === undefined || !isFolderOf(folderOf(key), manifest)) return false;
    keys ??= trustedKeys(site);
    if (manifestVerdict(manifest, await keys) !== 'good') return false;
    identity ??= identityAtHand(site);
    const own = await identity;
    return own === undefined || opens(manifest, own);
  };
}

/** The folder of a manifest; of a vault's, which another destination keeps for it, without what stands before it there. */
function folderOf(key: string): string {
  const [top, , ...own] = path.posix.dirname(key).split('/');
  return top === VAULTS ? own.join('/') : path.posix.dirname(key);
}

function parsed(bytes: Uint8Array): Manifest | undefined {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

async function identityAtHand(site: Site): Promise<string | undefined> {
  if (site.config.encryption.identity === undefined) return undefined;
  try {
    return await siteIdentity(site);
  } catch (error) {
    // Whoever needs it is told; to choose a version the signature is enough.
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

async function opens(manifest: Manifest, identity: string): Promise<boolean> {
  try {
    await unwrapIdentity(manifest.key, identity);
    return true;
  } catch (error) {
    if (error instanceof BackupError) return false;
    throw error;
  }
}
