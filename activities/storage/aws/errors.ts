/** What a server of AWS or its like, the network or the SDK says, as an error that tells what to do. */
import { BackupError } from '../../../model/errors.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { Meaning } from './meanings.ts';

/** One request, for messages. */
export interface Doing {
  /** What goes on, as in `reading daily/postgres/…`. */
  readonly doing: string;
  /** The right that it needs, as a policy names it: `s3:PutObject`. */
  readonly right: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where requests go. */
export interface Asked {
  readonly service: 's3' | 'glacier';
  /** The destination's name in the config. */
  readonly destination: string;
  /** What holds the objects, and its name; in remedies `BUCKET` or `VAULT` stands for that. */
  readonly kind: 'bucket' | 'vault';
  readonly name: string;
  /** Endpoint or region, for people; in remedies `SERVER`. */
  readonly server: string;
  readonly meaningOf: (failure: Failure, right: string) => Meaning;
}

/** What is known of a failed request, read from whatever the SDK threw. */
export interface Failure {
  /** The server's code (`NoSuchBucket`), the system's (`ECONNREFUSED`) or the SDK's (`TimeoutError`). */
  readonly code: string;
  /** HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  readonly message: string;
}

/** A failed request as a `BackupError`; ours and bugs come back unchanged. The cause holds no request, whose headers are signed. */
export function awsError(error: unknown, { doing, right, signal }: Doing, asked: Asked): unknown {
  if (error instanceof BackupError) return error;
  if (signal?.aborted) return aborted();
  const failure = failureOf(error);
  if (failure === undefined) return error;
  const { service, destination, kind, name, server } = asked;
  const meaning = asked.meaningOf(failure, right);
  return new BackupError(
    meaning.code,
    `${doing} at ${destination} failed: ${meaning.means} (${kind} ${name} at ${server}).`,
    {
      remedy: meaning.remedy
        .replaceAll(kind.toUpperCase(), name)
        .replaceAll('SERVER', server)
        .replaceAll('DESTINATION', destination),
      facts: {
        destination,
        [kind]: name,
        server,
        [service]: failure.code,
        status: failure.status ?? null,
        ...quoted(meaning, failure),
      },
      cause: new Error(`${failure.code}: ${meaning.quotable === false ? 'see above' : failure.message}`),
    },
  );
}

/** Servers repeat the signed request where a signature is wrong. */
function quoted({ quotable }: Meaning, { message }: Failure) {
  return quotable === false ? {} : { said: message };
}

/** Whether the server said one of these codes. */
export function saidOneOf(error: unknown, ...codes: readonly string[]): boolean {
  const failure = failureOf(error);
  return failure !== undefined && codes.includes(failure.code);
}

/** Whether the server does not know what it was asked. */
export function isUnknownHere(error: unknown): boolean {
  const failure = failureOf(error);
  return failure !== undefined && (failure.status === 501 || failure.code === 'NotImplemented');
}

export function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const status = statusOf(error);
  const system = systemCodeOf(error);
  const named = error.name === 'Error' || error.name === 'TimeoutError' ? (system ?? error.name) : error.name;
  if (status === undefined && system === undefined && !KNOWN_NAMES.test(error.name) && !/region/i.test(error.message)) {
    return undefined;
  }
  return { code: named, status, message: error.message };
}

/** Names of errors that the SDK makes without an answer from a server. */
const KNOWN_NAMES = /^(?:TimeoutError|CredentialsProviderError|TokenProviderError|AbortError)$/;

function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error) || typeof error.$metadata !== 'object' || error.$metadata === null) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: unknown }; // any object may lack it
  return typeof httpStatusCode === 'number' ? httpStatusCode : undefined;
}

/** Node tells several tried addresses as one error, with the code of each inside. */
function systemCodeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string' && /^[A-Z]/.test(error.code)) return error.code;
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [];
  return first instanceof Error ? systemCodeOf(first) : undefined;
}
