/** New key files: never over an existing one, 0600 from their first byte. */
import { writeFile } from 'node:fs/promises';
import { newIdentity } from '../../activities/keys/identity.ts';
import { newSigningKey } from '../../activities/keys/signing.ts';
import { errnoOf, translated } from '../../activities/storage/fs-errors.ts';
import { BackupError } from '../../model/errors.ts';

/** Makes an age identity in a new file. Returns its recipient. */
export async function writeIdentity(file: string): Promise<string> {
  const { identity, recipient } = await newIdentity();
  await writeSecret(file, `# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`);
  return recipient;
}

/** Makes a signing key in a new file. Returns its public key. */
export async function writeSigningKey(file: string): Promise<string> {
  const { privatePem, publicKey } = newSigningKey();
  await writeSecret(file, privatePem);
  return publicKey;
}

/** Writes a file that only its owner reads, durably. @throws BackupError `conflict` when it is there already. */
export async function writeSecret(file: string, text: string): Promise<void> {
  await translated(file, 'writing a key', async () => {
    try {
      await writeFile(file, text, { mode: 0o600, flag: 'wx', flush: true });
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      throw new BackupError('conflict', `${file} exists already, and a key is never overwritten.`, {
        remedy: 'Name another file, or move that one away.',
      });
    }
  });
}
