/** The times of day at which a destination may be used, and how much of its line. */
import { z } from 'zod';
import { size } from '../units.ts';

/** `24:00` is the end of the day. */
const clock = z
  .string()
  .regex(
    /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/,
    'not a time of day\nWrite hours and minutes in quotes, as in "22:00".',
  );

export const copyWindow = z
  .strictObject({
    from: clock.describe("when it opens, as in '22:00', in the site's timeZone"),
    to: clock.describe('when it closes; earlier than `from`: on the next day'),
    maxRate: size
      .refine((bytes) => bytes >= 4096, 'next to nothing would ever be copied\nWrite 4KiB or more, as in 5MiB.')
      .optional()
      .describe('bytes a second meanwhile'),
  })
  .refine(({ from, to }) => from !== to, 'it opens and closes at once\nA whole day is from "00:00" to "24:00".');
export type CopyWindow = z.output<typeof copyWindow>;
