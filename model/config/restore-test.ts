/** The `plans.restoreTest` of a config: when backups are restored to prove them, and where. */
import { z } from 'zod';
import { name } from '../source.ts';
import { clock, days } from './calendar-fields.ts';
import { wait } from './fields.ts';
import { proofWaits } from './proof-waits.ts';

/** A week after the monthly, so that it is proven with what it archived. */
const USUAL_DAYS = 'second sunday';

export const restoreTestPlan = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('whether a schedule starts it, where an identity is at hand; by hand it can be run all the same'),
    at: clock.default('08:00').describe('the time of day at which it begins, in the timeZone of the site'),
    on: days.default(USUAL_DAYS).describe('the days: every day, sunday, [monday, thursday], second sunday'),
    host: name.optional().describe("the host that restores, which needs an identity; absent: each source's own"),
    sources: z
      .array(name)
      .min(1, 'no source to prove\nName at least one, or leave it out for all.')
      .optional()
      .describe('absent: all of the site'),
    scratch: z
      .string()
      .startsWith('/', 'not an absolute path\nWrite it from the root, as in /srv/restore-tests.')
      .optional()
      .describe(
        'the folder in which backups are restored, one at a time; nothing stays in it. Absent: beside the state folder, as in /var/lib/mosaic-backup-scratch',
      ),
    ...proofWaits,
    staleAfter: wait
      .prefault('45d')
      .describe('a source of which nothing was proven for so long is shown by status as not proven'),
  })
  .prefault({});
