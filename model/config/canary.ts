/** The `canary` of a source: rows that tell how new the data are that a recovery brings back. */
import { z } from 'zod';
import { duration } from '../units.ts';
import { secret } from './secret.ts';

/** Nobody wants more rows than one a second, and a row in more than an hour measures nothing. */
const every = duration.refine(
  (milliseconds) => milliseconds >= 1000 && milliseconds <= 3_600_000,
  'too often, or too seldom to measure anything\nWrite a time from 1s to 1h, as in 15s.',
);

export const canaryConfig = z
  .strictObject({
    user: z.string().min(1).default('mosaic_canary').describe('who writes them, and may do nothing else'),
    password: secret.optional(),
    every: every.prefault('15s').describe('how often; as exact is what a drill measures as lost'),
  })
  .optional()
  .describe(
    'rows of our own, written by the worker whether anything is shipped or not: a drill measures by them what was lost',
  );
export type Canary = NonNullable<z.output<typeof canaryConfig>>;
