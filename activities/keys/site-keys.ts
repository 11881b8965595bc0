/** The keys that a site's config points at. */
import { BackupError } from '../../model/errors.ts';
import type { Secret } from '../../model/config/secret.ts';
import type { Site } from '../site.ts';
import { signer } from './signing.ts';
import type { Signer, TrustedKey } from './signing.ts';

/** This host's signer. @throws BackupError `config` when the site names no signing key, or one that is revoked. */
export async function siteSigner(site: Site): Promise<Signer> {
  const own = await ownSigner(site);
  if (own && !isRevoked(site, own)) return own;
  if (own) {
    throw new BackupError(
      'config',
      `The signing key of this host (${own.keyId}) is revoked in ${site.file}: what it signs is believed nowhere.`,
      {
        remedy:
          'Make a new one: `mosaic-backup keys rotate --signing`. Every host of the site then needs its public key.',
      },
    );
  }
  throw new BackupError(
    'config',
    `${site.file} names no signing key: what this host writes could not be told from forgeries.`,
    { remedy: "Set signing.key to this host's private key, for example { file: /etc/mosaic-backup/signing.pem }." },
  );
}

/** This host's signer; undefined where the config names no signing key (a host that only restores), or one that is revoked. */
export async function optionalSigner(site: Site): Promise<Signer | undefined> {
  const own = await ownSigner(site);
  return own && isRevoked(site, own) ? undefined : own;
}

/** The signer of the key that the config names, revoked or not. */
export async function ownSigner(site: Site): Promise<Signer | undefined> {
  const { key } = site.config.signing;
  return key === undefined ? undefined : signer(await site.readSecret(key));
}

/** From when on does not matter to whoever would sign now. */
export function isRevoked({ config }: Site, { publicKey }: { readonly publicKey: string }): boolean {
  return config.signing.revoked.some(({ key }) => key === publicKey);
}

/**
 * The public keys that signatures are held against here: those of the config, this host's own, and those that are
 * revoked, so that what they signed is told as such. A signing key that cannot be read (a restore on an empty machine, by
 * another user) only means that there is none besides.
 */
export async function trustedKeys(site: Site): Promise<readonly TrustedKey[]> {
  const { trusted, revoked } = site.config.signing;
  const own = await ownSigner(site).catch((error: unknown) => {
    if (error instanceof BackupError) return undefined;
    throw error;
  });
  const believed = own === undefined ? trusted : [...trusted, own.publicKey];
  return [
    ...believed.filter((publicKey) => !isRevoked(site, { publicKey })),
    ...revoked.map(({ key, since = null }) => ({ publicKey: key, since })),
  ];
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
