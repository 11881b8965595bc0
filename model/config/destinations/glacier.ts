/** The destination type `glacier`: a vault of Amazon Glacier, which has archives with numbers where a bucket has objects with names. */
import { z } from 'zod';
import { size } from '../../units.ts';
import { ca, credentials, endpoint, maxRate, prune, timeout } from './aws.ts';
import { common } from './common.ts';
import { thawField } from './thaw.ts';

const MEBIBYTE = 2 ** 20;

export const glacierDestination = z
  .strictObject({
    type: z.literal('glacier'),
    ...common,
    vault: z
      .string()
      .regex(
        /^[A-Za-z0-9_.-]{1,255}$/,
        'not the name of a vault\nWrite the name alone, as in my-vault, without an ARN and slashes.',
      )
      .describe('the vault, which must exist'),
    manifests: z
      .string()
      .describe(
        'the destination of another type that keeps what must be readable at once: manifests, records, archive ids',
      ),
    account: z
      .string()
      .regex(/^(?:-|\d{12})$/, 'not an account\nWrite its 12 digits, or - for the one of the credentials.')
      .prefault('-')
      .describe('the account that owns the vault; -: the one of the credentials'),
    region: z.string().min(1).optional().describe("absent: the SDK's usual one; us-east-1 where there is an endpoint"),
    endpoint,
    ca,
    credentials: credentials.optional().describe("who writes; absent: the SDK's usual chain"),
    partSize: size
      .refine(
        (bytes) => bytes >= MEBIBYTE && bytes <= 1024 * MEBIBYTE && Number.isInteger(Math.log2(bytes / MEBIBYTE)),
        'a part has 1MiB, 2MiB, 4MiB and so on, doubled up to 1GiB\nWrite one of those, as in 16MiB.',
      )
      .prefault('16MiB')
      .describe('size of the parts of an upload; more for an artifact that would have more than 10,000'),
    parallel: z.int().min(1).max(64).prefault(4).describe('parts under way at once; each takes its size in memory'),
    maxRate,
    timeout,
    ...thawField,
    prune: prune
      .optional()
      .describe('who deletes what retention no longer keeps: true for the writing identity; absent: another host'),
  })
  .describe(
    'a vault of Amazon Glacier, which takes no new customers since 2025-12-15: for those who have one. Else take s3 with a storage class',
  );
export type GlacierDestination = z.output<typeof glacierDestination>;

/** `the vault NAME at AWS, region …`, for people. */
export function reachOfGlacier({ vault, endpoint, region, manifests }: GlacierDestination): string {
  const where = endpoint ?? `AWS${region === undefined ? '' : `, region ${region}`}`;
  return `the Glacier vault ${vault} at ${where}; its manifests and archive ids are at "${manifests}"`;
}
