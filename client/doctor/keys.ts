/** Keys: are they there, closed to others, and the right ones. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { identityLines, recipientOf } from '../../activities/keys/identity.ts';
import { isRevoked, ownSigner } from '../../activities/keys/site-keys.ts';
import { ifThere, translated } from '../../activities/storage/fs-errors.ts';
import type { Site } from '../../activities/site.ts';
import { secretsOf } from '../../model/config/secrets-of.ts';
import type { Finding } from '../../model/finding.ts';
import { kitConfirmation } from '../backups/kit-confirmation.ts';
import { kitFinding } from '../backups/status.ts';
import { problem, warning, type Seen } from './examine.ts';

/** This host's identity opens what is encrypted here. A host that only backs up has none, and that is right. */
export async function examineIdentity(site: Site): Promise<Seen> {
  const { identity, recipients } = site.config.encryption;
  if (identity === undefined) return { facts: 'none on this host: it backs up, and cannot restore' };
  if ('file' in identity && (await ifThere(stat(identity.file))) === undefined)
    return {
      findings: [
        problem(
          'keys.identity-missing',
          `the identity ${identity.file} is not here: nothing can be restored on this host`,
          'Put it there with mode 0600; the recovery kit has it. On a host that only backs up, leave encryption.identity out.',
          'identity',
        ),
      ],
    };
  const lines = identityLines(await site.readSecret(identity));
  const found = await Promise.all(lines.map(recipientOrNull));
  const bad = found.filter((recipient) => recipient === null).length;
  const opening = found.filter((recipient) => recipient !== null && recipients.includes(recipient)).length;
  const findings = [
    ...(bad > 0
      ? [
          problem(
            'keys.identity',
            `${bad} of the lines of the identity file are no age identities`,
            'Each line that is no comment is an AGE-SECRET-KEY-1….',
            'identity',
          ),
        ]
      : []),
    ...(opening === 0
      ? [
          problem(
            'keys.identity-foreign',
            'the identity opens nothing that is made now: its recipient is not among encryption.recipients',
            'Point encryption.identity at the right file, or add its recipient (age-keygen -y FILE).',
            'identity',
          ),
        ]
      : []),
    ...(opening === recipients.length
      ? [
          warning(
            'keys.identity-all',
            'the identities of all recipients lie on this host: with it, every key could be lost or stolen at once',
            'Keep at least one elsewhere only.',
            'identity',
          ),
        ]
      : []),
  ];
  const forgotten = await otherIdentities(site, found);
  return { facts: `opens ${opening} of ${recipients.length} recipients`, findings: [...findings, ...forgotten] };
}

/** The identity that init told to move away, still beside the config or the first one. */
async function otherIdentities(site: Site, known: readonly (string | null)[]): Promise<readonly Finding[]> {
  const { identity, recipients } = site.config.encryption;
  const folders = new Set([
    path.dirname(site.file),
    ...(identity && 'file' in identity ? [path.dirname(identity.file)] : []),
  ]);
  const files = await Promise.all(
    [...folders].map(async (folder) => {
      const names = (await ifThere(readdir(folder))) ?? [];
      return names.filter((name) => /^identity.*\.txt$/.test(name)).map((name) => path.join(folder, name));
    }),
  );
  const findings = await Promise.all(
    files.flat().map(async (file) => {
      const text = await readFile(file, 'utf8').catch(() => '');
      const held = await Promise.all(identityLines(text).map(recipientOrNull));
      const others = held.filter(
        (recipient) => recipient !== null && recipients.includes(recipient) && !known.includes(recipient),
      );
      if (others.length === 0) return [];
      return [
        warning(
          'keys.second-here',
          `${file} is still on this machine: it is the key for when this machine is gone`,
          `Move it to another place, then delete it here.`,
          file,
        ),
      ];
    }),
  );
  return findings.flat();
}

async function recipientOrNull(line: string): Promise<string | null> {
  try {
    return await recipientOf(line);
  } catch {
    // The library's message may quote the line, which is a secret; that it is no identity is all that matters.
    return null;
  }
}

export async function examineSigning(site: Site): Promise<Seen> {
  const own = await ownSigner(site);
  if (own === undefined) {
    return {
      findings: [
        problem(
          'keys.signing-missing',
          'this host has no signing key, so it cannot make backups',
          'Set signing.key, for example { file: /etc/mosaic-backup/signing.pem }.',
          'signing',
        ),
      ],
    };
  }
  const { trusted } = site.config.signing;
  const facts = `${own.keyId}, public key ${own.publicKey}`;
  if (isRevoked(site, own)) {
    const revoked = `the signing key of this host (${own.keyId}) is revoked: it makes no backups with it`;
    return {
      facts,
      findings: [problem('keys.signing-revoked', revoked, 'mosaic-backup keys rotate --signing', 'signing')],
    };
  }
  if (trusted.includes(own.publicKey)) return { facts };
  const message =
    'the public key of this host is not among signing.trusted: other hosts, and a restore after its loss, would not believe its backups';
  return {
    facts,
    findings: [problem('keys.signing-untrusted', message, `Add it to signing.trusted: ${own.publicKey}`, 'signing')],
  };
}

export async function examineKit(site: Site): Promise<Seen> {
  const time = await kitConfirmation(site);
  return time === null ? { findings: [kitFinding()] } : { facts: `confirmed ${time}` };
}

/** Every secret file that is read on this host is there and closed to others. Those of other hosts' sources do not belong here. */
export async function examineSecretFiles(site: Site): Promise<Seen> {
  const secrets = secretsOf(site.config, site.host);
  const files = [...new Set(secrets.flatMap((secret) => ('file' in secret ? [secret.file] : [])))];
  const found = await Promise.all(files.map(fileFinding));
  // That one of these is missing is told by what looks into it.
  const { identity } = site.config.encryption;
  const { key } = site.config.signing;
  const lookedInto = new Set([identity, key].flatMap((secret) => (secret && 'file' in secret ? [secret.file] : [])));
  const findings = found
    .filter((finding) => finding !== undefined)
    .filter(({ code, subject }) => code !== 'keys.file-missing' || !lookedInto.has(subject ?? ''));
  return { facts: `${files.length} files`, findings };
}

async function fileFinding(file: string): Promise<Finding | undefined> {
  const found = await translated(file, 'looking at a secret file', () => ifThere(stat(file)));
  if (found === undefined)
    return problem('keys.file-missing', `the secret file ${file} does not exist`, 'Create it with mode 0600.', file);
  if ((found.mode & 0o077) !== 0)
    return problem(
      'keys.file-open',
      `the secret file ${file} can be read by others (mode ${(found.mode & 0o777).toString(8)})`,
      `chmod 600 ${file}`,
      file,
    );
  const own = process.getuid?.();
  // Root reads and owns for everybody; another owner could change it under a service's feet.
  if (found.uid === own || found.uid === 0) return undefined;
  return warning(
    'keys.file-owner',
    `the secret file ${file} belongs to another user (uid ${found.uid})`,
    `chown ${own} ${file}`,
    file,
  );
}
