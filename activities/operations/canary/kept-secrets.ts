/** Secrets that are asked for every few seconds: read once, and again only where something failed. */
import type { Secret } from '../../../model/config/secret.ts';
import type { SecretReader } from '../../config/secrets.ts';

export interface KeptSecrets {
  readonly readSecret: SecretReader;
  /** They may have been changed. */
  forget(): void;
}

export function keepSecrets(read: SecretReader): KeptSecrets {
  const kept = new Map<Secret, Promise<string>>();
  return {
    readSecret: (secret) => {
      const before = kept.get(secret);
      if (before) return before;
      const reading = read(secret);
      kept.set(secret, reading);
      // What could not be read is read again.
      reading.catch(() => kept.delete(secret));
      return reading;
    },
    forget: () => kept.clear(),
  };
}
