/** The `notify` of a config: who is told of alerts. */
import { z } from 'zod';
import { ALERTS } from '../alert.ts';
import { duration } from '../units.ts';
import { secret } from './secret.ts';

const common = {
  on: z.array(z.enum(ALERTS)).min(1).optional().describe('only these alerts; all when absent'),
  timeout: duration
    .refine(
      (milliseconds) => milliseconds > 0,
      'nothing is no wait\nWrite a number above zero with its unit, as in 10s.',
    )
    .prefault('10s')
    .describe('how long one notification may take'),
};

/** The text is never repeated in a message: most addresses of webhooks hold a secret. */
const error =
  'not the address of a webhook\nWrite https://…, or say where it is read from: { file: PATH }, { env: NAME }, { credential: NAME } or { command: [PROGRAM, ARGUMENT…] }.';
export const webhookAddress = z.union([z.url({ protocol: /^https?$/, error }), secret], { error });

export const webhookNotifier = z.strictObject({
  type: z.literal('webhook'),
  ...common,
  url: webhookAddress.describe('each alert is posted there as JSON; as a secret where the address holds one'),
});
export type WebhookNotifier = z.output<typeof webhookNotifier>;

export const commandNotifier = z.strictObject({
  type: z.literal('command'),
  ...common,
  command: z.array(z.string().min(1)).min(1).describe('a program and its arguments; it reads the alert as JSON'),
});
export type CommandNotifier = z.output<typeof commandNotifier>;

export const notifierConfig = z.discriminatedUnion('type', [webhookNotifier, commandNotifier]);
export type NotifierConfig = z.output<typeof notifierConfig>;
