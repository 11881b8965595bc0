/** What a Temporal that the config names is shown, and what it is trusted by. Read when a connection is made, so that none is kept or logged. */
import { readFile } from 'node:fs/promises';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { errnoOf } from '../storage/fs-errors.ts';

/** As the SDK's connections take it, whichever of its two kinds. */
export interface TemporalCredentials {
  readonly apiKey?: string;
  readonly tls?: {
    readonly serverNameOverride?: string;
    readonly serverRootCACertificate?: Buffer;
    readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
  };
}

/**
 * Nothing where the config says nothing of it, or no address: then Temporal's own profile counts, or the embedded server.
 * @throws BackupError `config` when a file or secret cannot be read.
 */
export async function temporalCredentials({
  config: { temporal },
  readSecret,
}: Pick<Site, 'config' | 'readSecret'>): Promise<TemporalCredentials> {
  const { address, tls, apiKey } = temporal;
  if (address === undefined || (tls === undefined && apiKey === undefined)) return {};
  const [ca, crt, key, token] = await Promise.all([
    tls?.ca === undefined ? undefined : certificate(tls.ca, 'temporal.tls.ca'),
    tls?.cert === undefined ? undefined : certificate(tls.cert, 'temporal.tls.cert'),
    tls?.key === undefined ? undefined : readSecret(tls.key),
    apiKey === undefined ? undefined : readSecret(apiKey),
  ]);
  return {
    ...(token !== undefined && { apiKey: token }),
    // A key is never sent in the clear: with one there is TLS, whether "tls" says more of it or not.
    tls: {
      ...(tls?.serverName !== undefined && { serverNameOverride: tls.serverName }),
      ...(ca !== undefined && { serverRootCACertificate: ca }),
      // Readers of secrets leave the last line break out, which some readers of PEM miss.
      ...(crt !== undefined && key !== undefined && { clientCertPair: { crt, key: Buffer.from(`${key}\n`) } }),
    },
  };
}

async function certificate(file: string, by: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new BackupError('config', `the certificate ${file}, which ${by} names, cannot be read (${errno})`, {
      remedy: 'Put it there, readable by the user that runs mosaic-backup.',
      retryable: true,
      facts: { path: file },
    });
  }
}
