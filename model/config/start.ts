/** The `start` of a source without a server of its own: what is run on the restored data, so that probes can ask it. */
import { z } from 'zod';
import { probeCommand } from './probe.ts';

export const start = z
  .strictObject({
    command: probeCommand.describe(
      'a program that stays in the foreground and listens on 127.0.0.1; {restored} stands for the restored folder',
    ),
    env: z.record(z.string(), z.string()).default({}).describe('its environment, besides PATH; no secrets'),
  })
  .describe('what is run on the restored data, in a network of its own, for probes by HTTP and by commands');
export type StartConfig = z.output<typeof start>;
