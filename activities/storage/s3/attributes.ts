/** What objects are stored with: class, encryption, lock, digest. */
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { S3Destination } from '../../../model/config/destinations/s3.ts';
import type { Keeping, Stored } from '../types.ts';

type Attributes = Pick<
  PutObjectCommandInput,
  | 'StorageClass'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'Metadata'
  | 'ContentType'
>;

/** Where an object's SHA-256 is written besides, in hex: for people, and where a server has no checksums. */
export const DIGEST = 'sha256';

/** Of an artifact. The class is for these alone: what must be read to list and restore stays readable at once. */
export function artifactAttributes(config: S3Destination, expected: Stored, keeping: Keeping): Attributes {
  return {
    ...(config.storageClass === undefined ? {} : { StorageClass: config.storageClass }),
    ...smallAttributes(config, keeping),
    Metadata: { [DIGEST]: expected.sha256 },
    ContentType: 'application/octet-stream',
  };
}

/** Of a manifest, a key, evidence, a recovery point. */
export function smallAttributes({ encryption, lock }: S3Destination, { until }: Keeping): Attributes {
  return { ...encrypted(encryption), ...locked(lock, until) };
}

function encrypted(encryption: S3Destination['encryption']): Attributes {
  if (encryption === undefined) return {};
  if (encryption === 'AES256') return { ServerSideEncryption: 'AES256' };
  return { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: encryption.kms };
}

/** A date that is over locks nothing, and is refused by the server. */
function locked(lock: S3Destination['lock'], until: Date | undefined): Attributes {
  if (lock === undefined || until === undefined || until.getTime() <= Date.now()) return {};
  return { ObjectLockMode: modeOf(lock), ObjectLockRetainUntilDate: until };
}

export function modeOf(lock: NonNullable<S3Destination['lock']>): 'GOVERNANCE' | 'COMPLIANCE' {
  return lock === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE';
}
