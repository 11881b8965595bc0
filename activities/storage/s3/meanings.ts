/** What the codes of S3 servers mean, and what to do. */
import type { Failure } from '../aws/errors.ts';
import { ALTERED, commonMeaning, UNKNOWN_HOST, UNTRUSTED, type Meaning } from '../aws/meanings.ts';

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
const NO_SUCH_HOST: Meaning = {
  ...UNKNOWN_HOST,
  remedy:
    'Look at the endpoint (SERVER) and at the name servers; with pathStyle: false the name of the bucket is part of the host.',
};

const FROZEN: Meaning = {
  code: 'frozen',
  means: 'it lies frozen in cold storage, and must be thawed before it can be read',
  remedy:
    'mosaic-backup copies thaw REFERENCE --from DESTINATION says what that takes, and does it; or use another copy.',
};

const KNOWN: Readonly<Record<string, Meaning>> = {
  NoSuchBucket: NO_BUCKET,
  QuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  InsufficientStorage: FULL,
  PermanentRedirect: WRONG_REGION,
  TemporaryRedirect: WRONG_REGION,
  AuthorizationHeaderMalformed: WRONG_REGION,
  IllegalLocationConstraintException: WRONG_REGION,
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
  ENOTFOUND: NO_SUCH_HOST,
  EAI_AGAIN: NO_SUCH_HOST,
  ObjectLockConfigurationNotFoundError: NO_LOCK,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...UNTRUSTED,
    means: 'its certificate is for another name',
    remedy:
      'Write the endpoint by the name in the certificate; with dots in the name of the bucket set pathStyle: true.',
  },
};

/** @param right the right that the request needed. */
export function meaningOf(failure: Failure, right: string): Meaning {
  const { code, status, message } = failure;
  const isKnown = KNOWN[code] !== undefined;
  if (!isKnown && /missing ObjectLockConfiguration/i.test(message)) return NO_LOCK;
  if (!isKnown && (status === 301 || status === 307)) return WRONG_REGION;
  if (!isKnown && status === 507) return FULL;
  return commonMeaning(failure, right, { known: KNOWN, denied, docs: 'docs/s3.md' });
}

function denied(right: string): Meaning {
  return {
    code: 'access-denied',
    means: `these credentials lack the right ${right}`,
    remedy: `Give them ${right} on BUCKET, as in infra/roles/${right === 's3:RestoreObject' ? 's3-restore-policy.json' : 's3-policy.json'}; a bucket policy, a lock or a key of KMS can deny it as well.`,
  };
}
