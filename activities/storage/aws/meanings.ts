/** What the codes of AWS and its like, of the network and of TLS mean, whatever the service, and what to do. */
import type { ErrorCode } from '../../../model/errors.ts';
import type { Failure } from './errors.ts';

export interface Meaning {
  readonly code: ErrorCode;
  readonly means: string;
  /** BUCKET (or VAULT) and SERVER stand for those of the destination, DESTINATION for its name. */
  readonly remedy: string;
  /** False where what the server said may repeat parts of the signed request. */
  readonly quotable?: false;
}

export const EXPIRED: Meaning = {
  code: 'access-denied',
  means: 'the credentials have expired',
  remedy: 'Renew the temporary credentials; the step is tried again.',
  quotable: false,
};
export const WRONG_CREDENTIALS: Meaning = {
  code: 'access-denied',
  means: 'the server does not know these credentials',
  remedy:
    'Compare accessKeyId and secretAccessKey with what SERVER has given out; no line break may be missing or too much.',
  quotable: false,
};
export const BUSY: Meaning = {
  code: 'unreachable',
  means: 'the server is overloaded, and stayed so while it was tried again with growing pauses',
  remedy: 'Set maxRate or a smaller parallel where this goes on; the step is tried again.',
};
const REFUSED: Meaning = {
  code: 'unreachable',
  means: 'the server takes no connection',
  remedy: 'See whether SERVER runs, and whether a firewall is between; the step is tried again.',
};
const LOST: Meaning = {
  code: 'unreachable',
  means: 'the connection was lost',
  remedy: 'Look at the network to SERVER; the step is tried again, and goes on at the last part.',
};
export const STALLED: Meaning = {
  code: 'unreachable',
  means: 'the server does not answer',
  remedy: 'Look at the network to SERVER and at its load; a longer timeout can be set. The step is tried again.',
};
export const UNKNOWN_HOST: Meaning = {
  code: 'unreachable',
  means: 'the name of the server has no address',
  remedy: 'Look at the endpoint (SERVER) and at the name servers.',
};
const NO_REGION: Meaning = {
  code: 'config',
  means: 'no region is known',
  remedy: "Set the destination's region, or AWS_REGION for the program.",
};
export const ALTERED: Meaning = {
  code: 'failed',
  means: 'other bytes arrived there than were sent, and the server refused them',
  remedy: 'Look at what lies between (a proxy?) and at the memory of both machines; the step is tried again.',
};
export const UNTRUSTED: Meaning = {
  code: 'unreachable',
  means: 'its certificate is signed by nobody who is trusted here',
  remedy: "Name the certificate that signed it in the destination's ca; never turn the check off.",
};

/** What every service says, and what is said where none answers. */
const COMMON: Readonly<Record<string, Meaning>> = {
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  InvalidToken: EXPIRED,
  InvalidAccessKeyId: WRONG_CREDENTIALS,
  SignatureDoesNotMatch: WRONG_CREDENTIALS,
  CredentialsProviderError: {
    code: 'access-denied',
    means: 'there are no credentials',
    remedy:
      'Set credentials of the destination, or those of the usual chain (AWS_ACCESS_KEY_ID, ~/.aws, a role of the machine).',
  },
  RequestTimeTooSkewed: {
    code: 'access-denied',
    means: 'the clocks of this host and of the server differ too much',
    remedy: 'Set the clock of this host (timedatectl status), or that of SERVER; the step is tried again.',
    quotable: false,
  },
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  RequestLimitExceeded: BUSY,
  TooManyRequests: BUSY,
  ThrottlingException: BUSY,
  RequestTimeout: STALLED,
  ECONNREFUSED: REFUSED,
  EHOSTUNREACH: REFUSED,
  ENETUNREACH: REFUSED,
  ENOTFOUND: UNKNOWN_HOST,
  EAI_AGAIN: UNKNOWN_HOST,
  ECONNRESET: LOST,
  EPIPE: LOST,
  ETIMEDOUT: STALLED,
  TimeoutError: STALLED,
  AbortError: LOST,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: { ...UNTRUSTED, means: 'its certificate has expired', remedy: 'Renew the certificate of SERVER.' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...UNTRUSTED,
    means: 'its certificate is for another name',
    remedy: 'Write the endpoint by the name in the certificate.',
  },
  EPROTO: {
    ...UNTRUSTED,
    means: 'it does not speak TLS, or another version of it',
    remedy: 'See whether the endpoint is https or http, and its port.',
  },
};

export interface Service {
  /** What its own codes mean. */
  readonly known: Readonly<Record<string, Meaning>>;
  /** That a right lacks. */
  readonly denied: (right: string) => Meaning;
  /** Where it is written what the server must know. */
  readonly docs: string;
}

/** @param right the right that the request needed. */
export function commonMeaning({ code, status, message }: Failure, right: string, service: Service): Meaning {
  const known = service.known[code] ?? COMMON[code];
  if (known) return known;
  if (/region is missing/i.test(message)) return NO_REGION;
  if (status === 429 || status === 503) return BUSY;
  if (status === 401 || status === 403) return service.denied(right);
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return { ...UNTRUSTED, means: `TLS failed (${code})` };
  if (status !== undefined && status >= 500) {
    return {
      code: 'failed',
      means: `the server reports an error of its own (${code}: ${message})`,
      remedy: 'Look at the logs, the disks and the free space of SERVER; the step is tried again.',
    };
  }
  return {
    code: 'failed',
    means: `the server answered ${code}${status === undefined ? '' : ` (${status})`}: ${message}`,
    remedy: `See what the server means by it, and whether it knows what ${service.docs} lists.`,
  };
}
