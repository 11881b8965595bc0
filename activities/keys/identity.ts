/** age identities: each backup has its own, which is stored wrapped to the site's recipients. */
import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BackupError } from '../../model/errors.ts';
import { isRecipient } from '../../model/keys.ts';
import { stanzaFor } from './stanzas.ts';
import { damagedKey, decodeArmor, notOpened } from './wrap-errors.ts';

/** A fresh age identity (secret) with its recipient (public). X25519, which every `age` since 1.0 opens. */
export async function newIdentity(): Promise<{ readonly identity: string; readonly recipient: string }> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * Encrypts an identity to the site's recipients, armored. What comes out of `age -d` is an identity file. Each
 * recipient's stanza can be shown to open without that recipient's identity: see stanzas.ts.
 * @throws BackupError `config` when a recipient is none.
 */
export async function wrapIdentity(identity: string, recipients: readonly string[]): Promise<string> {
  const text = `${identity}\n`;
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    if (!isRecipient(recipient)) throw notRecipient(recipient);
    encrypter.addRecipient({ wrapFileKey: (fileKey) => [stanzaFor(recipient, fileKey, text)] });
  }
  if (recipients.length === 0) {
    throw new BackupError('config', 'There is no recipient to encrypt to.', {
      remedy: 'List at least two age recipients under encryption.recipients.',
    });
  }
  return armor.encode(await encrypter.encrypt(text));
}

/**
 * Opens a wrapped identity.
 * @param identities the text of an age identity file; comments and empty lines are skipped.
 * @throws BackupError `missing-identity` when none of them opens it, `verification-failed` when it is damaged.
 */
export async function unwrapIdentity(armored: string, identities: string): Promise<string> {
  const ciphertext = decodeArmor(armored);
  const decrypter = decrypterOf(identities);
  const opened = await decrypter.decrypt(ciphertext, 'text').catch((cause: unknown) => {
    throw unwrapError(cause);
  });
  const identity = opened.trim();
  if (!/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(identity)) throw damagedKey('it does not hold an age identity');
  return identity;
}

/** The recipient (public) of an identity, for messages and the recovery kit. */
export function recipientOf(identity: string): Promise<string> {
  return identityToRecipient(identity);
}

/** The identities in the text of an age identity file. */
export function identityLines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function decrypterOf(identities: string): Decrypter {
  const lines = identityLines(identities);
  if (lines.length === 0) {
    throw new BackupError('missing-identity', 'The identity file holds no identity.', {
      remedy: 'Point encryption.identity at the file that age-keygen or init wrote.',
    });
  }
  const decrypter = new Decrypter();
  for (const [index, line] of lines.entries()) {
    try {
      decrypter.addIdentity(line);
    } catch {
      // The library's message may quote the line, which is a secret: it goes no further.
      throw new BackupError('missing-identity', `Identity ${index + 1} of the identity file is not an age identity.`, {
        remedy:
          'Point encryption.identity at the file that age-keygen or init wrote: each line of it that is no comment is an AGE-SECRET-KEY-1….',
      });
    }
  }
  return decrypter;
}

function unwrapError(cause: unknown): BackupError {
  // The library has no typed errors; this one sentence means that the header is whole and no identity fits.
  if (cause instanceof Error && cause.message.includes('no identity matched')) return notOpened(cause);
  return damagedKey('it does not decrypt', cause);
}

function notRecipient(recipient: string): BackupError {
  return new BackupError('config', `"${recipient}" is not an age recipient.`, {
    remedy: 'A recipient begins with age1 and has 62 characters; `age-keygen -y FILE` prints it.',
  });
}
