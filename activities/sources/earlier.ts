/** What an attempt that was cut off had noted of its restore into a running server, for the attempt after it. */
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';

/** Undefined where there was none. @throws BackupError `conflict` where it cannot be understood. */
export function earlierNote<Note>(schema: z.ZodType<Note>, earlier: unknown): Note | undefined {
  if (earlier === undefined) return undefined;
  const parsed = schema.safeParse(earlier);
  if (parsed.success) return parsed.data;
  throw undecided('what the earlier attempt had noted cannot be understood');
}

/** Nothing is done then: what is there may be what was restored, with what clients have written since. */
export function undecided(why: string): BackupError {
  return new BackupError(
    'conflict',
    `An earlier attempt at this restore was cut off, and whether it was carried out cannot be told: ${why}. Nothing was changed.`,
    { remedy: 'Look at the server: if what was to be restored is not there, give the same command again.' },
  );
}
