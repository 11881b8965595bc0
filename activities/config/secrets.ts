/** Reading of secrets from where the config says they are. */
import type { Secret } from '../../model/config/secret.ts';

/** Reads a secret, without its last line break. Values read are remembered for redaction, and never logged. */
export type SecretReader = (secret: Secret) => Promise<string>;
