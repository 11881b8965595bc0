/** What a restore in place of PostgreSQL remembers between its steps. */
import { z } from 'zod';
import type { InPlaceFacts } from '../../types.ts';

export const facts = z.looseObject({
  systemId: z.string(),
  /** The highest timeline that anybody knows of: the new one gets a number behind it. */
  taken: z.int(),
  /** The timeline of what was restored; not known before it is. */
  timeline: z.int().optional(),
});
export type Facts = z.infer<typeof facts>;

export function takenTimelines(found: InPlaceFacts): number {
  return facts.parse(found).taken;
}
