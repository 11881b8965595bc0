/** A loaded site, as operations on one host see it. */
import type { SiteConfig } from '../model/config/site.ts';
import type { SecretReader } from './config/secrets.ts';

export interface Site {
  readonly config: SiteConfig;
  /** File that the config was read from, for messages. */
  readonly file: string;
  /** SHA-256 of that file. */
  readonly configDigest: string;
  /** Name of this host in the config. */
  readonly host: string;
  /** This host's repository and state folders. */
  readonly repository: string;
  readonly state: string;
  readonly readSecret: SecretReader;
  /** Replaces every secret that was read by `***`. */
  readonly redact: (text: string) => string;
}
