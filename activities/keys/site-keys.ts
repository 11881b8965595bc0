/** The keys that a site's config points at. */
import { BackupError } from '../../model/errors.ts';
import type { Secret } from '../../model/config/secret.ts';
import type { Site } from '../site.ts';
import { signer } from './signing.ts';
import type { Signer } from './signing.ts';

/** This host's signer. @throws BackupError `config` when the site names no signing key. */
export async function siteSigner(site: Site): Promise<Signer> {
  const own = await optionalSigner(site);
  if (own) return own;
  throw new BackupError(
    'config',
    `${site.file} names no signing key: what this host writes could not be told from forgeries.`,
    { remedy: "Set signing.key to this host's private key, for example { file: /etc/mosaic-backup/signing.pem }." },
  );
}

/** This host's signer; undefined where the config names no signing key (a host that only restores). */
export async function optionalSigner(site: Site): Promise<Signer | undefined> {
  const { key } = site.config.signing;
  return key === undefined ? undefined : signer(await site.readSecret(key));
}

/**
 * The public keys whose signatures are believed here: those of the config, and this host's own. A signing key that
 * cannot be read (a restore on an empty machine, by another user) only means that there is none besides.
 */
export async function trustedKeys(site: Site): Promise<readonly string[]> {
  const { trusted } = site.config.signing;
  try {
    const own = await optionalSigner(site);
    return own === undefined ? trusted : [...trusted, own.publicKey];
  } catch (error) {
    if (error instanceof BackupError) return trusted;
    throw error;
  }
}

/**
 * The site's age identities, as the text of an identity file.
 * @throws BackupError `missing-identity` where the config names none (this host only backs up), or it cannot be read.
 */
export async function siteIdentity(site: Site): Promise<string> {
  const { identity } = site.config.encryption;
  if (identity !== undefined) return readIdentity(site, identity);
  throw new BackupError(
    'missing-identity',
    `${site.file} names no identity, so nothing can be decrypted on this host.`,
    {
      remedy:
        'Set encryption.identity, for example { file: /etc/mosaic-backup/identity.txt }, on the host that restores.',
    },
  );
}

/** What is wrong with a secret is known; what it means that it is this one is said here. */
async function readIdentity(site: Site, identity: Secret): Promise<string> {
  try {
    return await site.readSecret(identity);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'config') throw error;
    throw new BackupError('missing-identity', `Nothing can be decrypted here without the identity: ${error.message}.`, {
      remedy: `${error.remedy ?? ''} The identity itself is in the recovery kit.`.trim(),
      facts: error.facts,
      retryable: error.retryable,
      cause: error,
    });
  }
}
