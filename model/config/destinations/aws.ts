/** What all destinations say that are reached as a service of AWS. */
import { z } from 'zod';
import { duration, size } from '../../units.ts';
import { absolutePath } from '../fields.ts';
import { secret } from '../secret.ts';

export const credentials = z.strictObject({
  accessKeyId: secret,
  secretAccessKey: secret,
  sessionToken: secret.optional().describe('of temporary credentials'),
});
export type AwsCredentials = z.output<typeof credentials>;

export const endpoint = z
  .string()
  .regex(
    /^https?:\/\/[^/?#@\s]+\/?$/,
    'not the address of a server\nWrite https:// with host and port alone, as in https://s3.example.org:9000.',
  )
  .optional()
  .describe('the server; absent: AWS');

export const ca = absolutePath.optional().describe('certificates that sign the one of the endpoint, PEM');

export const maxRate = size
  .refine((bytes) => bytes > 0, 'nothing would ever be sent\nWrite bytes in a second, as in 10MiB.')
  .optional()
  .describe('bytes in a second, over all parts of an upload');

export const timeout = duration
  .refine((milliseconds) => milliseconds >= 1000, 'too short\nWrite 1s or more, as in 60s.')
  .prefault('60s')
  .describe('a connection over which nothing moves for so long is given up');

/** Absent where another host deletes. */
export const prune = z.union([z.literal(true), credentials], {
  error: 'not who deletes\nWrite true where the writing identity may, or credentials of another.',
});

interface WithIdentities {
  readonly credentials?: AwsCredentials | undefined;
  readonly prune?: true | AwsCredentials | undefined;
}

/** The secrets that it names. */
export function secretsOfAws({ credentials, prune }: WithIdentities) {
  return [credentials, prune === true ? undefined : prune].flatMap((identity) =>
    identity === undefined ? [] : [identity.accessKeyId, identity.secretAccessKey, identity.sessionToken],
  );
}
