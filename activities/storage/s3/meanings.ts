/** What the codes of S3 servers, of the network and of TLS mean, and what to do. */
import type { ErrorCode } from '../../../model/errors.ts';
import type { Failure } from './errors.ts';

export interface Meaning {
  readonly code: ErrorCode;
  readonly means: string;
  /** BUCKET and SERVER stand for those of the destination, DESTINATION for its name. */
  readonly remedy: string;
  /** False where what the server said may repeat parts of the signed request. */
  readonly quotable?: false;
}

const FULL: Meaning = {
  code: 'no-space',
  means: 'the storage there is full, or its quota used up',
  remedy: 'Free space there, or raise the quota of BUCKET; the step is tried again.',
};
const WRONG_REGION: Meaning = {
  code: 'config',
  means: 'the bucket is in another region',
  remedy: "Set the destination's region to the one of BUCKET (aws s3api get-bucket-location --bucket BUCKET).",
};
const EXPIRED: Meaning = {
  code: 'access-denied',
  means: 'the credentials have expired',
  remedy: 'Renew the temporary credentials; the step is tried again.',
  quotable: false,
};
const WRONG_CREDENTIALS: Meaning = {
  code: 'access-denied',
  means: 'the server does not know these credentials',
  remedy:
    'Compare accessKeyId and secretAccessKey with what SERVER has given out; no line break may be missing or too much.',
  quotable: false,
};
const BUSY: Meaning = {
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
const STALLED: Meaning = {
  code: 'unreachable',
  means: 'the server does not answer',
  remedy: 'Look at the network to SERVER and at its load; a longer timeout can be set. The step is tried again.',
};
const UNKNOWN_HOST: Meaning = {
  code: 'unreachable',
  means: 'the name of the server has no address',
  remedy:
    'Look at the endpoint (SERVER) and at the name servers; with pathStyle: false the name of the bucket is part of the host.',
};
const NO_REGION: Meaning = {
  code: 'config',
  means: 'no region is known',
  remedy: "Set the destination's region, or AWS_REGION for the program.",
};
const NO_BUCKET: Meaning = {
  code: 'unreachable',
  means: 'there is no such bucket',
  remedy: 'Make it (aws s3 mb s3://BUCKET), or mend the name, the endpoint or the region in the config.',
};
const NO_LOCK: Meaning = {
  code: 'config',
  means: 'the bucket has no Object Lock',
  remedy:
    'Make BUCKET with Object Lock (aws s3api create-bucket --object-lock-enabled-for-bucket), or take "lock" out of the destination.',
};
const ALTERED: Meaning = {
  code: 'failed',
  means: 'other bytes arrived there than were sent, and the server refused them',
  remedy: 'Look at what lies between (a proxy?) and at the memory of both machines; the step is tried again.',
};
const UNTRUSTED: Meaning = {
  code: 'unreachable',
  means: 'its certificate is signed by nobody who is trusted here',
  remedy: "Name the certificate that signed it in the destination's ca; never turn the check off.",
};

const FROZEN: Meaning = {
  code: 'frozen',
  means: 'it lies frozen in cold storage, and must be thawed before it can be read',
  remedy:
    'mosaic-backup copies thaw REFERENCE --from DESTINATION says what that takes, and does it; or use another copy.',
};

const MEANINGS: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: NO_BUCKET,
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  InsufficientStorage: FULL,
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
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
  InvalidObjectState: FROZEN,
  ObjectNotInActiveTierError: FROZEN,
  GlacierExpeditedRetrievalNotAvailable: {
    code: 'unreachable',
    means: 'it has no capacity for expedited retrievals just now',
    remedy: 'It is asked again; the speed standard (--speed standard) needs no such capacity.',
  },
  BadDigest: ALTERED,
  InvalidDigest: ALTERED,
  XAmzContentSHA256Mismatch: ALTERED,
  RequestTimeout: STALLED,
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  RequestLimitExceeded: BUSY,
  TooManyRequests: BUSY,
  ThrottlingException: BUSY,
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
  ObjectLockConfigurationNotFoundError: NO_LOCK,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: { ...UNTRUSTED, means: 'its certificate has expired', remedy: 'Renew the certificate of SERVER.' },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...UNTRUSTED,
    means: 'its certificate is for another name',
    remedy:
      'Write the endpoint by the name in the certificate; with dots in the name of the bucket set pathStyle: true.',
  },
  EPROTO: {
    ...UNTRUSTED,
    means: 'it does not speak TLS, or another version of it',
    remedy: 'See whether the endpoint is https or http, and its port.',
  },
};

/** @param right the right that the request needed. */
export function meaningOf({ code, status, message }: Failure, right: string): Meaning {
  const known = MEANINGS[code];
  if (known) return known;
  if (/missing ObjectLockConfiguration/i.test(message)) return NO_LOCK;
  if (/region is missing/i.test(message)) return NO_REGION;
  if (status === 301 || status === 307) return WRONG_REGION;
  if (status === 507) return FULL;
  if (status === 429 || status === 503) return BUSY;
  if (status === 401 || status === 403) return denied(right);
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
    remedy: 'See what the server means by it, and whether it knows what docs/s3.md lists.',
  };
}

function denied(right: string): Meaning {
  return {
    code: 'access-denied',
    means: `these credentials lack the right ${right}`,
    remedy: `Give them ${right} on BUCKET, as in infra/roles/${right === 's3:RestoreObject' ? 's3-restore-policy.json' : 's3-policy.json'}; a bucket policy, a lock or a key of KMS can deny it as well.`,
  };
}
