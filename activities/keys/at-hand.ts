/** The identities that are at hand on this host: the config's, and those of files that the operator names. */
import { BackupError } from '../../model/errors.ts';
import { keyBytes } from '../../model/keys.ts';
import type { Secret } from '../../model/config/secret.ts';
import type { Site } from '../site.ts';
import { identityLines, recipientOf } from './identity.ts';
import { siteIdentity } from './site-keys.ts';
import type { Holder } from './wrap.ts';

/**
 * Each identity once, with its recipient: those of the files first.
 * @param files absolute paths of identity files of this host.
 * @throws BackupError `missing-identity` where there is none at all, or a line is none.
 */
export async function identitiesAtHand(site: Site, files: readonly string[] = []): Promise<readonly Holder[]> {
  const own = await siteIdentity(site).then(
    (text) => [text],
    (error: unknown) => {
      // The config's may be the one that was lost: those of the files are enough.
      if (files.length > 0 && error instanceof BackupError && error.code === 'missing-identity') return [];
      throw error;
    },
  );
  const given = await Promise.all(files.map((file) => site.readSecret({ file })));
  const holders = await Promise.all([...given, ...own].flatMap(identityLines).map(holderOf));
  const each = new Map(holders.map((holder) => [holder.recipient, holder]));
  if (each.size > 0) return [...each.values()];
  throw new BackupError('missing-identity', 'The identity files hold no identity.', {
    remedy: 'Name a file that age-keygen, init or `keys new` wrote.',
  });
}

async function holderOf(identity: string): Promise<Holder> {
  try {
    if (keyBytes(identity) !== undefined) return { identity, recipient: await recipientOf(identity) };
  } catch {
    // Falls through to our own error: the library's may quote the line, which is a secret.
  }
  throw new BackupError('missing-identity', 'A line of the identity file is no age identity.', {
    remedy: 'Each line that is no comment is an AGE-SECRET-KEY-1….',
  });
}

/**
 * The same site as one sees it who holds these identities and no others. A place that keeps several versions of a manifest gives
 * the newest that opens: which one that is goes by the identities of whoever asks.
 */
export function withIdentities(site: Site, holders: readonly Holder[]): Site {
  const held: Secret = { env: 'the identities at hand' };
  const text = holders.map(({ identity }) => identity).join('\n');
  return {
    ...site,
    config: { ...site.config, encryption: { ...site.config.encryption, identity: held } },
    readSecret: (secret) => (secret === held ? Promise.resolve(text) : site.readSecret(secret)),
  };
}
