/** The SDK's client for a destination. It is loaded when the first request is made: a command without a bucket does not pay for it. */
import { readFile } from 'node:fs/promises';
import type { S3 } from '@aws-sdk/client-s3';
import type { S3Credentials, S3Destination } from '../../../model/config/destinations/s3.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SecretReader } from '../../config/secrets.ts';
import { errnoOf } from '../fs-errors.ts';

/** Attempts of one request, with growing pauses, before the step fails and is tried again by itself. */
const ATTEMPTS = 4;
/** Milliseconds. */
const CONNECT_WITHIN = 10_000;
const IDLE_CONNECTION = 15_000;
/** More than enough for the parts of several uploads; listing reads 16 manifests at once. */
const CONNECTIONS = 96;

export interface ClientOptions {
  readonly config: S3Destination;
  readonly credentials: S3Credentials | undefined;
  readonly readSecret: SecretReader;
  /** Milliseconds after which a connection over which nothing moves is given up. */
  readonly timeout: number;
}

export async function s3Client({ config, credentials, readSecret, timeout }: ClientOptions): Promise<S3> {
  const [{ S3 }, { NodeHttpHandler }, http, https] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@smithy/node-http-handler'),
    import('node:http'),
    import('node:https'),
  ]);
  const agent = { keepAlive: true, maxSockets: CONNECTIONS, timeout: IDLE_CONNECTION };
  const ca = config.ca === undefined ? {} : { ca: await readCa(config.ca) };
  return new S3({
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    ...regionOf(config),
    forcePathStyle: config.pathStyle ?? config.endpoint !== undefined,
    ...(credentials === undefined ? {} : { credentials: () => identityOf(credentials, readSecret) }),
    maxAttempts: ATTEMPTS,
    // Every object carries a SHA-256 of ours; what the SDK adds besides, servers of others do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // One round trip for each part, and the SDK makes a new connection for it.
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_WITHIN,
      socketTimeout: timeout,
      httpAgent: new http.Agent(agent),
      httpsAgent: new https.Agent({ ...agent, ...ca }),
    }),
    logger: SILENT,
  });
}

/** Its warnings are for who writes programs, and its debug lines hold requests. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

function regionOf({ region, endpoint }: S3Destination): { readonly region?: string } {
  if (region !== undefined) return { region };
  return endpoint === undefined ? {} : { region: 'us-east-1' };
}

/** Read when they are needed, so that a secret that was renewed counts with the next step. */
async function identityOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials, readSecret: SecretReader) {
  return {
    accessKeyId: await readSecret(accessKeyId),
    secretAccessKey: await readSecret(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: await readSecret(sessionToken) }),
  };
}

async function readCa(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BackupError('config', `The certificates ${file} cannot be read (${errnoOf(cause) ?? 'unknown error'}).`, {
      remedy: 'Name a file in PEM that the user of mosaic-backup can read.',
      facts: { path: file },
      cause,
      retryable: true,
    });
  }
}
