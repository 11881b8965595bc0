/** The recovery kit: all that is needed to restore when this machine and everything on it is gone, as text. */
import { stringify } from 'yaml';
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
import { KIT_IDENTITY, recoveryConfig } from './recovery-config.ts';

export interface Kit {
  readonly site: string;
  readonly created: string;
  /** Secret: each opens every backup whose recipients it is among. */
  readonly identities: readonly { readonly identity: string; readonly recipient: string }[];
  readonly recipients: readonly string[];
  readonly signingKeys: readonly { readonly keyId: string; readonly publicKey: string }[];
  readonly places: readonly { readonly name: string; readonly reach: string }[];
  readonly versions: Readonly<Record<string, string>>;
  /** For mosaic-backup on an empty machine. */
  readonly config: SiteInput;
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
  const trusted = [...new Set(await trustedKeys(site))];
  return {
    site: config.site,
    created: new Date().toISOString(),
    identities: own,
    recipients: config.encryption.recipients,
    signingKeys: trusted.map((publicKey) => ({ keyId: keyIdOf(publicKey), publicKey })),
    places: [
      ...hostNames(config).map((host) => ({
        name: `repository of ${host}`,
        reach: config.hosts?.[host]?.repository ?? config.repository,
      })),
      ...Object.entries(config.destinations).map(([name, destination]) => ({ name, reach: reachOf(destination) })),
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

/** For paper, a safe or a password manager. */
export function kitText(kit: Kit): string {
  const { site, created, identities, recipients, signingKeys, places, versions } = kit;
  return `RECOVERY KIT of the site "${site}", made ${created}

Whoever has this can read every backup of the site; without one of its identities nobody can.
Store it away from all machines of the site: on paper in a safe, in a password manager, with a trusted person.

1. IDENTITIES (secret). Save the lines as a file, ${KIT_IDENTITY}, readable by you alone.

${identities.map(({ identity, recipient }) => `# public key: ${recipient}\n${identity}`).join('\n')}

   Every backup can be opened by any one of these recipients:
${recipients.map((recipient) => `     ${recipient}${identities.some((own) => own.recipient === recipient) ? '  (above)' : ''}`).join('\n')}

2. WHERE COPIES ARE. All have the same folders: daily/<source>/<id>, configs/<source>/<id>, weekly/… and so on.

${places.map(({ name, reach }) => `     ${name}: ${reach}`).join('\n')}

3. WHO SIGNED THEM. Public keys (Ed25519), for signing.trusted in a new config:

${signingKeys.map(({ keyId, publicKey }) => `     ${publicKey}  (${keyId})`).join('\n')}

4. MADE WITH ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}

5. RESTORE WITH STANDARD PROGRAMS. On Debian: apt-get install jq age zstd tar
   Set the first two lines to a folder with a manifest.json and to the file from part 1. The rest is literal.
   An incremental names its parent in the manifest (.parent.reference): unpack the full first, then each in order.

BACKUP=/path/to/daily/source/20261123T020000Z-full
IDENTITY=${KIT_IDENTITY}
TARGET=./restored

${KIT_COMMANDS}
${recoveryText(kit)}`;
}

/** The part for who has mosaic-backup: a config that is whole, and commands that are literal but for names. */
function recoveryText({ config }: Kit): string {
  const [host, ...others] = Object.keys(config.hosts ?? {});
  const options = `-c recovery.yaml${others.length > 0 ? ` --host ${host}` : ''}`;
  const from = Object.keys(config.destinations ?? {})[0] ?? 'repository';
  return `6. RESTORE WITH MOSAIC-BACKUP. Save the lines between the marks as recovery.yaml, and set the paths of "repository"
   and "destinations" to where they are now (a repository that is gone may stay as it is).

${CONFIG_MARKS[0]}
${stringify(config)}${CONFIG_MARKS[1]}

   mosaic-backup ${options} list --destination ${from}
   mosaic-backup ${options} restore latest --source NAME --from ${from} --to FOLDER
`;
}

/** What the config in the kit stands between. */
export const CONFIG_MARKS = ['# --- recovery.yaml ---', '# --- end of recovery.yaml ---'] as const;

/**
 * The commands of the kit, after BACKUP, IDENTITY and TARGET are set. A test runs exactly these. In a subshell: what
 * fails there does not close the shell that they are pasted into, and the key is removed whatever happens.
 */
export const KIT_COMMANDS = `( set -eu; umask 077
# Is every byte the one that was captured?
(cd "$BACKUP" && jq -r '.artifacts[] | "\\(.sha256)  \\(.name)"' manifest.json | sha256sum --check)
# The backup's own key, then its artifacts.
KEY=$(mktemp); trap 'rm -f "$KEY"' EXIT
jq -r .key "$BACKUP/manifest.json" | age -d -i "$IDENTITY" > "$KEY"
mkdir -p "$TARGET"
for name in $(jq -r '.artifacts[].name | select(endswith(".tar.zst.age"))' "$BACKUP/manifest.json"); do
  age -d -i "$KEY" "$BACKUP/$name" | zstd -d |
    tar -x -f - -C "$TARGET" -p --same-owner --numeric-owner --acls --xattrs --xattrs-include='*' \\
      --sparse --delay-directory-restore --listed-incremental=/dev/null
done )
`;
