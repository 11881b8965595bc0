/** Several accounts on one server: for backups, for checks, for exports. */
import type { Secret } from '../../model/config/secret.ts';
import type { SecretReader } from '../config/secrets.ts';

interface Account {
  readonly user: string;
  readonly password?: Secret | undefined;
}

/** The same connection, as another account. */
export async function asAccount<Connection extends object>(
  { user, password }: Account,
  connection: Connection,
  readSecret: SecretReader,
): Promise<Connection & { readonly user: string; readonly password: string | undefined }> {
  return { ...connection, user, password: await readPassword(password, readSecret) };
}

/** Undefined where the config has none: the socket tells who one is. */
export async function readPassword(secret: Secret | undefined, readSecret: SecretReader): Promise<string | undefined> {
  return secret && readSecret(secret);
}
