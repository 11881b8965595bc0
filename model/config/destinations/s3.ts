/** The destination type `s3`: a bucket of AWS or of anything that speaks its protocol. */
import { z } from 'zod';
import { isKey } from '../../paths.ts';
import { size } from '../../units.ts';
import { ca, credentials, endpoint, maxRate, prune, timeout } from './aws.ts';
import { common } from './common.ts';
import { thawField } from './thaw.ts';

const MEBIBYTE = 2 ** 20;
/** What S3 takes: all parts but the last have 5 MiB at least, none more than 5 GiB. */
export const PART_BOUNDS = { smallest: 5 * MEBIBYTE, largest: 5 * 1024 * MEBIBYTE } as const;

/** Classes that take an artifact; those of GLACIER and DEEP_ARCHIVE must be asked for hours before they can be read. */
const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'REDUCED_REDUNDANCY',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
] as const;

export const s3Destination = z.strictObject({
  type: z.literal('s3'),
  ...common,
  bucket: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/,
      'not the name of a bucket\nWrite the name alone, as in my-backups, without s3:// and slashes.',
    )
    .describe('the bucket, which must exist'),
  prefix: z
    .string()
    .refine(isKey, 'not a prefix of keys\nWrite folders without a slash at either end, as in prod/stack1.')
    .optional()
    .describe('folder in the bucket; absent: its root'),
  endpoint,
  region: z.string().min(1).optional().describe("absent: the SDK's usual one; us-east-1 where there is an endpoint"),
  pathStyle: z
    .boolean()
    .optional()
    .describe('the bucket stands in the path and not in the name of the host; absent: true where there is an endpoint'),
  ca,
  credentials: credentials.optional().describe("who writes; absent: the SDK's usual chain"),
  storageClass: z
    .enum(STORAGE_CLASSES)
    .optional()
    .describe('class of the artifacts; manifests and other small objects stay in STANDARD'),
  ...thawField,
  encryption: z
    .union([z.literal('AES256'), z.strictObject({ kms: z.string().min(1) })], {
      error: 'not an encryption of the server\nWrite AES256, or { kms: KEY }.',
    })
    .optional()
    .describe(
      "the server's own encryption, on top of age's: AES256, or { kms: KEY }; a copy of which the server does not tell it fails",
    ),
  lock: z
    .enum(['governance', 'compliance'])
    .optional()
    .describe('Object Lock, until the date that retention gives; the bucket must have it'),
  before: z.iso
    .datetime({ offset: true, error: 'not a time\nWrite it with its zone, as in 2026-11-23T02:00:00Z.' })
    .optional()
    .describe(
      'for a recovery after an attack: the bucket is read as it was at this moment, by the clock of the server, and nothing is written; it must keep versions',
    ),
  lockedOnly: z
    .boolean()
    .optional()
    .describe(
      'with before, as drills of ransomware set it: what no lock keeps now counts as missing, as if it had been deleted',
    ),
  confirm: z
    .enum(['checksum', 'read'])
    .prefault('checksum')
    .describe('how a copy is confirmed: by the SHA-256 that the server computed, or by reading it back'),
  partSize: size
    .refine(
      (bytes) => bytes >= PART_BOUNDS.smallest && bytes <= PART_BOUNDS.largest,
      'a part has 5MiB at least, and 5GiB at most\nWrite it with its unit, as in 16MiB.',
    )
    .prefault('16MiB')
    .describe('size of the parts of an upload; more for an artifact that would have more than 10,000'),
  parallel: z.int().min(1).max(64).prefault(4).describe('parts under way at once; each takes its size in memory'),
  maxRate,
  timeout,
  prune: prune
    .optional()
    .describe('who deletes what retention no longer keeps: true for the writing identity; absent: another host'),
});
export type S3Destination = z.output<typeof s3Destination>;

/** `s3://bucket/prefix at https://…`, for people. */
export function reachOfS3({ bucket, prefix, endpoint, region }: S3Destination): string {
  const where = endpoint ?? `AWS${region === undefined ? '' : `, region ${region}`}`;
  return `s3://${bucket}${prefix === undefined ? '' : `/${prefix}`} at ${where}`;
}
