/** What the codes of Amazon Glacier mean, and what to do. */
import type { Failure } from '../aws/errors.ts';
import { ALTERED, BUSY, commonMeaning, EXPIRED, STALLED, WRONG_CREDENTIALS, type Meaning } from '../aws/meanings.ts';

const NO_VAULT: Meaning = {
  code: 'unreachable',
  means: 'there is no such vault, archive, upload or job',
  remedy:
    'Mend the name or the region in the config; aws glacier list-vaults --account-id - shows what there is. A vault that was never made can only be made in an account that had vaults before.',
};

const KNOWN: Readonly<Record<string, Meaning>> = {
  ResourceNotFoundException: NO_VAULT,
  VaultNotFound: NO_VAULT,
  UnrecognizedClientException: WRONG_CREDENTIALS,
  InvalidClientTokenId: WRONG_CREDENTIALS,
  InvalidSignatureException: WRONG_CREDENTIALS,
  MissingAuthenticationTokenException: WRONG_CREDENTIALS,
  ExpiredTokenException: EXPIRED,
  ServiceUnavailableException: BUSY,
  RequestTimeoutException: STALLED,
  BadDigest: ALTERED,
  NoLongerSupportedException: {
    code: 'refused',
    means: 'Amazon does not do that for this account any more: vaults are closed to new customers',
    remedy: 'Use a destination of type s3 with storageClass GLACIER or DEEP_ARCHIVE instead: docs/cold-storage.md.',
  },
  PolicyEnforcedException: {
    code: 'refused',
    means: "the account's limit on retrievals keeps it from being asked for now",
    remedy:
      'Ask more slowly (bulk), or raise the limit: aws glacier get-data-retrieval-policy --account-id - shows it, set-data-retrieval-policy changes it.',
  },
  InsufficientCapacityException: {
    code: 'unreachable',
    means: 'there is no capacity for expedited retrievals at the moment',
    remedy: 'It is asked again; the speed standard (--speed standard) needs no such capacity.',
  },
  LimitExceededException: {
    code: 'refused',
    means: 'a limit of the account is reached',
    remedy: 'See in the message of the server which; jobs end by themselves within hours.',
  },
};

/** @param right the right that the request needed. */
export function meaningOf(failure: Failure, right: string): Meaning {
  // It says of a wrong digest, and of all other wrong values, nothing but this.
  if (failure.code === 'InvalidParameterValueException' && /checksum|hash/i.test(failure.message)) return ALTERED;
  return commonMeaning(failure, right, { known: KNOWN, denied, docs: 'docs/cold-storage.md' });
}

/** Policies of infra/roles that give rights which the writing identity does not need. */
const POLICIES: Readonly<Record<string, string>> = {
  'glacier:DeleteArchive': 'glacier-prune-policy.json',
  'glacier:InitiateJob': 'glacier-restore-policy.json',
};

function denied(right: string): Meaning {
  return {
    code: 'access-denied',
    means: `these credentials lack the right ${right}`,
    remedy: `Give them ${right} on VAULT, as in infra/roles/${POLICIES[right] ?? 'glacier-policy.json'}; a policy or a lock of the vault can deny it as well.`,
  };
}
