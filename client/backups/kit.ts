/** The recovery kit: all that is needed to restore when this machine and everything on it is gone. */
import { identityLines, recipientOf } from '../../activities/keys/identity.ts';
import { keyIdOf } from '../../activities/keys/signing.ts';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import type { Site } from '../../activities/site.ts';
import { programVersion } from '../../activities/streams/versions.ts';
import { productVersion } from '../../activities/version.ts';
import { reachOf } from '../../model/config/destination.ts';
import { hostNames } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import type { SiteInput } from '../../model/config/site.ts';
import { fetchCommand, fetchOlder } from './kit-fetch.ts';
import { recoveryConfig } from '../../model/config/recovery-config.ts';

export interface Kit {
  readonly site: string;
  readonly created: string;
  /** Secret: each opens every backup whose recipients it is among. */
  readonly identities: readonly { readonly identity: string; readonly recipient: string }[];
  readonly recipients: readonly string[];
  readonly signingKeys: readonly { readonly keyId: string; readonly publicKey: string }[];
  /** Keys that are no longer believed, with the time before which they are. */
  readonly revokedKeys: readonly {
    readonly keyId: string;
    readonly publicKey: string;
    readonly since: string | null;
  }[];
  readonly places: readonly KitPlace[];
  readonly versions: Readonly<Record<string, string>>;
  /** For mosaic-backup on an empty machine. */
  readonly config: SiteInput;
}

export interface KitPlace {
  readonly name: string;
  readonly reach: string;
  /** The operator's words: read-only credentials, or where they lie. */
  readonly access: string | null;
  /** A command of standard programs that fetches one backup's folder; null where the machine is gone with it. */
  readonly fetch: string | null;
  /** What to add to it where what is there was overwritten; null where nothing helps. */
  readonly older: string | null;
}

/**
 * @param identities the text of an age identity file.
 * @throws BackupError `missing-identity` when it opens nothing of this site.
 */
export async function makeKit(site: Site, identities: string): Promise<Kit> {
  const { config } = site;
  const pairs = await Promise.all(
    identityLines(identities).map(async (identity) => ({ identity, recipient: await recipientOrRefuse(identity) })),
  );
  const own = pairs.filter(({ recipient }) => config.encryption.recipients.includes(recipient));
  if (own.length === 0) {
    throw new BackupError(
      'missing-identity',
      'None of these identities is one of the site: a kit with them would open nothing.',
      {
        remedy: 'Name the file of one that is, with --identity FILE.',
      },
    );
  }
  const trusted = [...new Set((await trustedKeys(site)).filter((key) => typeof key === 'string'))];
  return {
    site: config.site,
    created: new Date().toISOString(),
    identities: own,
    recipients: config.encryption.recipients,
    signingKeys: trusted.map((publicKey) => ({ keyId: keyIdOf(publicKey), publicKey })),
    revokedKeys: config.signing.revoked.map(({ key, since = null }) => ({
      keyId: keyIdOf(key),
      publicKey: key,
      since,
    })),
    places: [
      ...hostNames(config).map((host) => ({
        name: `repository of ${host}`,
        reach: config.hosts?.[host]?.repository ?? config.repository,
        access: null,
        fetch: null,
        older: null,
      })),
      ...Object.entries(config.destinations).map(([name, destination]) => ({
        name,
        reach: reachOf(destination),
        access: destination.access ?? null,
        fetch: fetchCommand(name, destination),
        older: fetchOlder(destination),
      })),
    ],
    versions: await versions(),
    config: recoveryConfig(config, trusted),
  };
}

async function recipientOrRefuse(identity: string): Promise<string> {
  try {
    return await recipientOf(identity);
  } catch {
    // The library's message may quote the line, which is a secret.
    throw new BackupError('missing-identity', 'A line of the identity file is no age identity.', {
      remedy: 'Each line that is no comment is an AGE-SECRET-KEY-1….',
    });
  }
}

async function versions(): Promise<Readonly<Record<string, string>>> {
  const [age, zstd, tar] = await Promise.all(['age', 'zstd', 'tar'].map((program) => programVersion(program)));
  return { 'mosaic-backup': productVersion, age: age ?? '', zstd: zstd ?? '', tar: tar ?? '' };
}
