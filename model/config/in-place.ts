/** `inPlace` of a source: what a restore in place may touch, and how the server is stopped and started. */
import { z } from 'zod';
import { duration } from '../units.ts';
import { absolutePath } from './fields.ts';

const wait = (fallback: string) =>
  duration
    .refine((milliseconds) => milliseconds > 0, 'nothing is no wait\nWrite a time above zero, as in 2m.')
    .prefault(fallback);

const command = z
  .array(z.string().min(1))
  .min(1, 'no command\nWrite a program and its arguments, as in [systemctl, stop, mariadb].');

export const inPlace = z
  .strictObject({
    data: absolutePath.describe('the data folder of the server, as this host sees it'),
    seenAs: absolutePath
      .optional()
      .describe('the same folder as the server itself calls it, where that is another path (a container)'),
    stop: command.describe('stops the server, and whatever would start it again'),
    start: command.describe('starts it'),
    stopWithin: wait('5m').describe('how long the server may take to end'),
    settle: wait('2m').describe('how long it may take until it answers and its check passes'),
  })
  .describe('for `restore --in-place`; without it the source is restored to folders only');
export type InPlaceConfig = z.output<typeof inPlace>;
