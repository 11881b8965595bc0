/** The recovery kit as text: for a password manager, or a safe. */
import { stringify } from 'yaml';
import { readableFirst } from '../../model/config/destinations/thaw.ts';
import type { Kit, KitPlace } from './kit.ts';
import { KIT_IDENTITY } from '../../model/config/recovery-config.ts';

/** A part of the kit: the page has them too. */
export interface KitPart {
  readonly title: string;
  /** Lines to read, and to copy as they stand. */
  readonly text: string;
}

export const KIT_WARNING = `Whoever has this can read every backup of the site; without one of its identities nobody can.
Store it away from all machines of the site: on paper in a safe, in a password manager, with a trusted person.`;

export function kitText(kit: Kit): string {
  const parts = [identityPart(kit), ...kitParts(kit)];
  return [
    `RECOVERY KIT of the site "${kit.site}", made ${kit.created}`,
    KIT_WARNING,
    ...parts.map(({ title, text }, index) => `${index + 1}. ${title}\n\n${text}`),
  ].join('\n\n');
}

/** The part that the page shows as pictures as well. */
export function identityPart({ identities, recipients }: Kit): KitPart {
  const own = (recipient: string) => identities.some((each) => each.recipient === recipient);
  return {
    title: `IDENTITIES (secret). Save the lines as a file, ${KIT_IDENTITY}, readable by you alone.`,
    text: `${identities.map(({ identity, recipient }) => `# public key: ${recipient}\n${identity}`).join('\n')}

   Every backup can be opened by any one of these recipients:
${recipients.map((recipient) => `     ${recipient}${own(recipient) ? '  (above)' : ''}`).join('\n')}`,
  };
}

/** All the others, in their order. */
export function kitParts(kit: Kit): readonly KitPart[] {
  return [placesPart(kit), signingPart(kit), standardPart(kit), recoveryPart(kit)];
}

function placesPart({ places }: Kit): KitPart {
  return {
    title:
      'WHERE COPIES ARE. All have the same folders: daily/<source>/<id>, configs/<source>/<id>, weekly/… and so on.',
    text: `${places.map(placeText).join('\n')}

   Fetch the folder of one backup (FOLDER), and those of its parents, into a folder of its own.`,
  };
}

function placeText({ name, reach, access, fetch, older }: KitPlace): string {
  const lines = [
    `     ${name}: ${reach}`,
    ...(access === null
      ? []
      : access
          .trimEnd()
          .split('\n')
          .map((line) => `       ${line}`)),
    ...(fetch === null ? [] : [`       fetch: ${fetch}`]),
    ...(older === null ? [] : [`       overwritten by somebody (below: NOT SIGNED, FAILED)? Add ${older}`]),
  ];
  return lines.join('\n');
}

function signingPart({ signingKeys, revokedKeys }: Kit): KitPart {
  const revoked = revokedKeys.map(({ publicKey, keyId, since }) =>
    since === null
      ? `     ${publicKey}  (${keyId}) is REVOKED: believe nothing that it signed`
      : `     ${publicKey}  (${keyId}) is REVOKED: believe what it signed before ${since} alone\n       (.finished in the manifest); for such a backup add it to SIGNERS below`,
  );
  return {
    title: 'WHO SIGNED THEM. Public keys (Ed25519); the commands below hold a backup against them.',
    text: [...signingKeys.map(({ keyId, publicKey }) => `     ${publicKey}  (${keyId})`), ...revoked].join('\n'),
  };
}

function standardPart({ signingKeys, versions }: Kit): KitPart {
  const made = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
  return {
    title: 'RESTORE WITH STANDARD PROGRAMS. On Debian: apt-get install jq age zstd tar openssl',
    text: `   Made with ${made}.
   Set the first line to a folder with a manifest.json, the second to the file from part 1, the third to a new folder. The rest is literal.
   An incremental names its parent in the manifest (.parent.reference): unpack the full first, then each in order.

BACKUP=./backup
IDENTITY=${KIT_IDENTITY}
TARGET=./restored
SIGNERS='${signingKeys.map(({ publicKey }) => publicKey).join(' ')}'

${KIT_COMMANDS}`,
  };
}

/** The part for who has mosaic-backup: a config that is whole, and commands that are literal but for names. */
function recoveryPart({ config }: Kit): KitPart {
  const [host, ...others] = Object.keys(config.hosts ?? {});
  const options = `-c recovery.yaml${others.length > 0 ? ` --host ${host}` : ''}`;
  const [from = 'repository'] = readableFirst(config.destinations ?? {});
  return {
    title: `RESTORE WITH MOSAIC-BACKUP. Save the lines between the marks as recovery.yaml, and set the paths of "repository"
   and "destinations" to where they are now (a repository that is gone may stay as it is).`,
    text: `${CONFIG_MARKS[0]}
${stringify(config)}${CONFIG_MARKS[1]}

   mosaic-backup ${options} list --destination ${from}
   mosaic-backup ${options} restore latest --source NAME --from ${from} --to FOLDER
`,
  };
}

/** What the config in the kit stands between. */
export const CONFIG_MARKS = ['# --- recovery.yaml ---', '# --- end of recovery.yaml ---'] as const;

/**
 * The commands of the kit, after BACKUP, IDENTITY, TARGET and SIGNERS are set. A test runs exactly these. In a subshell: what
 * fails there does not close the shell that they are pasted into, and the key is removed whatever happens.
 */
export const KIT_COMMANDS = `( set -eu; umask 077
OWN=$(mktemp -d); trap 'rm -rf "$OWN"' EXIT
# Did one of the site's hosts make it, and did nobody change it since?
jq -cjS 'del(.key, .signature)' "$BACKUP/manifest.json" > "$OWN/form"
jq -r .signature.ed25519 "$BACKUP/manifest.json" | base64 -d > "$OWN/signature"
for signer in $SIGNERS; do
  { printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; echo "$signer" | base64 -d; } > "$OWN/signer"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$OWN/signer" -rawin -in "$OWN/form" \\
    -sigfile "$OWN/signature" > "$OWN/said" 2>&1 && : > "$OWN/authentic"
done || :
[ -e "$OWN/authentic" ] || { echo "NOT SIGNED by a key of this site: do not restore from it" >&2; exit 1; }
jq -r '"A backup of \\(.source), \\(.kind), made for \\(.scheduled)"' "$BACKUP/manifest.json"
# Is every byte the one that was captured?
(cd "$BACKUP" && jq -r '.artifacts[] | "\\(.sha256)  \\(.name)"' manifest.json | sha256sum --check)
# The backup's own key, then its artifacts.
jq -r .key "$BACKUP/manifest.json" | age -d -i "$IDENTITY" > "$OWN/key"
mkdir -p "$TARGET"
for name in $(jq -r '.artifacts[].name | select(endswith(".tar.zst.age"))' "$BACKUP/manifest.json"); do
  age -d -i "$OWN/key" "$BACKUP/$name" | zstd -q -d |
    tar -x -f - -C "$TARGET" -p --same-owner --numeric-owner --acls --xattrs --xattrs-include='*' \\
      --sparse --delay-directory-restore --listed-incremental=/dev/null
done )
`;
