/** Where a secret comes from. The config never holds one itself. */
import { z } from 'zod';

export const secret = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ env: z.string().min(1) }),
  /** A systemd credential: a file in $CREDENTIALS_DIRECTORY. */
  z.strictObject({ credential: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string()).min(1) }),
]);
export type Secret = z.output<typeof secret>;
