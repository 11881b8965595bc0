/** What the SDK's clients of all services are made with. It is loaded when the first request is made: a command without a bucket does not pay for it. */
import { readFile } from 'node:fs/promises';
import type { AwsCredentials } from '../../../model/config/destinations/aws.ts';
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
  readonly config: {
    /** Absent: AWS. */
    readonly endpoint?: string | undefined;
    readonly region?: string | undefined;
    /** A file in PEM. */
    readonly ca?: string | undefined;
  };
  /** Who asks; absent: the SDK's usual chain. */
  readonly credentials: AwsCredentials | undefined;
  readonly readSecret: SecretReader;
  /** Milliseconds after which a connection over which nothing moves is given up. */
  readonly timeout: number;
  /** Attempts of one request; by default a few, with growing pauses. */
  readonly attempts?: number;
}

/** Settings that every service's client takes. */
export async function clientSettings({ config, credentials, readSecret, timeout, attempts = ATTEMPTS }: ClientOptions) {
  const [{ NodeHttpHandler }, http, https] = await Promise.all([
    import('@smithy/node-http-handler'),
    import('node:http'),
    import('node:https'),
  ]);
  const agent = { keepAlive: true, maxSockets: CONNECTIONS, timeout: IDLE_CONNECTION };
  const ca = config.ca === undefined ? {} : { ca: await readCa(config.ca) };
  return {
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    ...regionOf(config),
    ...(credentials === undefined ? {} : { credentials: () => identityOf(credentials, readSecret) }),
    maxAttempts: attempts,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_WITHIN,
      socketTimeout: timeout,
      httpAgent: new http.Agent(agent),
      httpsAgent: new https.Agent({ ...agent, ...ca }),
    }),
    logger: SILENT,
  };
}

/** Its warnings are for who writes programs, and its debug lines hold requests. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

function regionOf({ region, endpoint }: ClientOptions['config']): { readonly region?: string } {
  if (region !== undefined) return { region };
  return endpoint === undefined ? {} : { region: 'us-east-1' };
}

/** Read when they are needed, so that a secret that was renewed counts with the next step. */
async function identityOf({ accessKeyId, secretAccessKey, sessionToken }: AwsCredentials, readSecret: SecretReader) {
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
