/** The signer of this host, from the config. */
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { signer, type Signer } from './signing.ts';

/** @throws BackupError `config` when the site names no signing key. */
export async function siteSigner(site: Site): Promise<Signer> {
  const { key } = site.config.signing;
  if (key) return signer(await site.readSecret(key));
  throw new BackupError('config', `${site.file} names no signing key: what this host writes could not be told from forgeries`, {
    remedy: 'Set signing.key to this host\'s private key, for example { file: /etc/mosaic-backup/signing.pem }.',
  });
}
