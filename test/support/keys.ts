/** Keys of a test's own: two age identities and a signing key, as files. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { newIdentity } from '../../activities/keys/identity.ts';
import { newSigningKey } from '../../activities/keys/signing.ts';

export interface TestKeys {
  /** Both public keys, for `encryption.recipients`. */
  readonly recipients: readonly [string, string];
  /** The secret of each recipient, in the same order. */
  readonly identities: readonly [string, string];
  /** A file with the first identity only. */
  readonly identityFile: string;
  /** A file with the second identity only: the spare. */
  readonly spareIdentityFile: string;
  readonly signingKeyFile: string;
  readonly signingKey: { readonly privatePem: string; readonly publicKey: string };
}

/** Makes the keys of a site and writes them into a folder. */
export async function makeKeys(folder: string): Promise<TestKeys> {
  const [first, second] = [await newIdentity(), await newIdentity()];
  const signingKey = newSigningKey();
  const files = {
    identityFile: path.join(folder, 'identity.txt'),
    spareIdentityFile: path.join(folder, 'identity-spare.txt'),
    signingKeyFile: path.join(folder, 'signing.pem'),
  };
  await writeFile(files.identityFile, `# public key: ${first.recipient}\n${first.identity}\n`, { mode: 0o600 });
  await writeFile(files.spareIdentityFile, `# public key: ${second.recipient}\n${second.identity}\n`, { mode: 0o600 });
  await writeFile(files.signingKeyFile, signingKey.privatePem, { mode: 0o600 });
  return {
    recipients: [first.recipient, second.recipient],
    identities: [first.identity, second.identity],
    ...files,
    signingKey,
  };
}
