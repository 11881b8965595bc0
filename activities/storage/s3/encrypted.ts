/** Whether objects are encrypted by the server as the config wants it. A server that does not know how takes the request and says nothing. */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { BackupError } from '../../../model/errors.ts';
import type { Bucket } from './bucket.ts';
import { headOf, type ObjectVersion } from './read.ts';

/** What a server says of the encryption of an object. */
export type Encrypted = Pick<HeadObjectCommandOutput, 'ServerSideEncryption' | 'SSEKMSKeyId'>;

/** True where the config wants none. */
export function isEncrypted({ config }: Pick<Bucket, 'config'>, told: Encrypted): boolean {
  const { encryption } = config;
  if (encryption === undefined) return true;
  const { ServerSideEncryption: by, SSEKMSKeyId: key } = told;
  if (encryption === 'AES256') return by === 'AES256';
  return by === 'aws:kms' && (key === undefined || isKey(key, encryption.kms));
}

/** Servers tell a key by its ARN, however it was named; of which key an alias is, KMS alone knows. */
function isKey(told: string, wanted: string): boolean {
  return told === wanted || told.endsWith(`/${wanted}`) || told.endsWith(`:${wanted}`) || /(?:^|:)alias\//.test(wanted);
}

/** @throws BackupError `config` where the server keeps it in another way: each attempt would end so. */
export function requireEncrypted(bucket: Bucket, key: string, told: Encrypted): void {
  if (isEncrypted(bucket, told)) return;
  const { destination, server } = bucket.where;
  const { encryption } = bucket.config;
  const wanted = encryption === undefined || encryption === 'AES256' ? 'AES256' : `the key ${encryption.kms} of KMS`;
  const says = [told.ServerSideEncryption, told.SSEKMSKeyId].filter(Boolean).join(', ') || 'nothing';
  throw new BackupError(
    'config',
    `${destination} does not keep ${key} encrypted as the config wants it: by ${wanted}; the server tells of ${says}.`,
    {
      remedy: `Let ${server} encrypt (docs/s3.md, "Encryption by the server"), or take "encryption" out of the destination: what is stored there is encrypted by age in any case.`,
      facts: { destination, key },
    },
  );
}

/** The same, of an object that the server is asked about; where the config wants none, it is not. */
export async function confirmEncrypted(bucket: Bucket, object: ObjectVersion, signal?: AbortSignal): Promise<void> {
  if (bucket.config.encryption === undefined) return;
  requireEncrypted(bucket, object.key, (await headOf(bucket, object, signal)) ?? {});
}
