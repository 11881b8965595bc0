/** What a restore in place of Redis remembers between its steps. */
import { z } from 'zod';

export const facts = z.looseObject({
  /** Whether the server, as it is configured now, loads append-only files. */
  appendonly: z.boolean(),
  /** Indexes of the databases in the backup that hold keys without a TTL; not known before it is restored. */
  filled: z.array(z.int()).optional(),
});
export type Facts = z.infer<typeof facts>;
