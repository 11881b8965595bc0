/** The SDK's client for a bucket. */
import type { S3 } from '@aws-sdk/client-s3';
import type { S3Destination } from '../../../model/config/destinations/s3.ts';
import { clientSettings, type ClientOptions } from '../aws/client.ts';

export async function s3Client(options: ClientOptions & { readonly config: S3Destination }): Promise<S3> {
  const { config } = options;
  const [{ S3 }, settings] = await Promise.all([import('@aws-sdk/client-s3'), clientSettings(options)]);
  return new S3({
    ...settings,
    forcePathStyle: config.pathStyle ?? config.endpoint !== undefined,
    // Every object carries a SHA-256 of ours; what the SDK adds besides, servers of others do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // One round trip for each part, and the SDK makes a new connection for it.
    expectContinueHeader: false,
  });
}
