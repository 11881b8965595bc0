/** A vault as this destination uses it: requests with their errors translated. */
import type { Glacier } from '@aws-sdk/client-glacier';
import type { AwsCredentials } from '../../../model/config/destinations/aws.ts';
import type { GlacierDestination } from '../../../model/config/destinations/glacier.ts';
import type { SecretReader } from '../../config/secrets.ts';
import { clientSettings, type ClientOptions } from '../aws/client.ts';
import { awsError, failureOf, type Asked, type Doing } from '../aws/errors.ts';
import { meaningOf } from './meanings.ts';

export interface Vault {
  readonly config: GlacierDestination;
  /** The destination's name in the config. */
  readonly destination: string;
  readonly site: string;
  /** What every request names. */
  readonly names: { readonly accountId: string; readonly vaultName: string };
  /** Makes requests; what fails is a `BackupError` that says what was being done. */
  call<Result>(doing: Doing, request: Request<Result>): Promise<Result>;
  /** The same, and never again by itself: what costs money each time is looked for first when its answer was lost. */
  callOnce<Result>(doing: Doing, request: Request<Result>): Promise<Result>;
  /** The service's clock in milliseconds, as its answers so far have it: ours may be days off. */
  now(): number;
  /** A failed request as a `BackupError`. */
  translate(error: unknown, doing: Doing): unknown;
}

type Request<Result> = (glacier: Glacier, options: CallOptions) => Promise<Result>;

export interface CallOptions {
  readonly abortSignal?: AbortSignal;
}

export interface VaultOptions {
  readonly destination: string;
  readonly site: string;
  readonly config: GlacierDestination;
  /** Who asks; absent: the SDK's usual chain. */
  readonly credentials: AwsCredentials | undefined;
  readonly readSecret: SecretReader;
}

export function openVault({ destination, site, config, credentials, readSecret }: VaultOptions): Vault {
  const asked: Asked = {
    service: 'glacier',
    destination,
    kind: 'vault',
    name: config.vault,
    server: config.endpoint ?? `AWS${config.region === undefined ? '' : ` ${config.region}`}`,
    meaningOf,
  };
  const options = { config, credentials, readSecret, timeout: config.timeout };
  const patient = callerOf(asked, options);
  const once = callerOf(asked, { ...options, attempts: 1 });
  return {
    config,
    destination,
    site,
    names: { accountId: config.account, vaultName: config.vault },
    call: patient.call,
    callOnce: once.call,
    now: patient.now,
    translate: (error, doing) => awsError(error, doing, asked),
  };
}

/** What makes requests with a client of its own, which is made with the first one. */
function callerOf(asked: Asked, options: ClientOptions): Pick<Vault, 'call' | 'now'> {
  let client: Promise<Glacier> | undefined;
  let clock: Pick<Glacier['config'], 'systemClockOffset'> = { systemClockOffset: 0 };
  return {
    async call(doing, request) {
      try {
        const glacier = await (client ??= clientOf(options));
        clock = glacier.config;
        return await request(glacier, doing.signal === undefined ? {} : { abortSignal: doing.signal });
      } catch (error) {
        throw awsError(error, doing, asked);
      }
    },
    // The SDK keeps it for its signatures, out of the head of each answer.
    now: () => Date.now() + clock.systemClockOffset,
  };
}

async function clientOf(options: ClientOptions): Promise<Glacier> {
  const [{ Glacier }, settings] = await Promise.all([import('@aws-sdk/client-glacier'), clientSettings(options)]);
  const glacier = new Glacier(settings);
  // It digests every body twice more; ours come with both digests.
  glacier.middlewareStack.remove('addChecksumHeadersMiddleware');
  return glacier;
}

/** The answer, or undefined where the vault has no such archive, upload or job. */
export async function ifPresent<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (failureOf(error)?.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}
