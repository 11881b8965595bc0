/** Where a secret comes from. The config never holds one itself. */
import { z } from 'zod';
import { absolutePath } from './fields.ts';

/** The ways to name a secret, for messages. */
const SECRET_FORMS = '{ file: PATH }, { env: NAME }, { credential: NAME } or { command: [PROGRAM, ARGUMENT…] }';

export const secret = z.union(
  [
    z.strictObject({ file: absolutePath }),
    z.strictObject({ env: z.string().min(1) }),
    /** A systemd credential: a file in $CREDENTIALS_DIRECTORY. */
    z.strictObject({ credential: z.string().regex(/^[^/]+$/, 'the name of a credential has no slash') }),
    z.strictObject({ command: z.array(z.string().min(1)).min(1) }),
  ],
  // Whatever stands there may be the secret itself, so the message never repeats it.
  { error: ({ input }) => `${wrongWith(input)}\nSay where it is read from: ${SECRET_FORMS}.` },
);
export type Secret = z.output<typeof secret>;

function wrongWith(input: unknown): string {
  if (input === undefined) return 'is missing';
  if (typeof input !== 'object' || input === null) return 'a secret never stands in the config itself';
  return 'not a way to name a secret';
}
