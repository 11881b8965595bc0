/** What a restore in place of MariaDB remembers between its steps. */
import { z } from 'zod';

export const facts = z.looseObject({
  /** Path of the binary logs without their numbers, as this host sees it; null where none are written, or it is not known. */
  binlogs: z.string().nullable(),
  /** The furthest GTIDs that anybody knows of, of each domain one. */
  gtids: z.string(),
});
export type Facts = z.infer<typeof facts>;
