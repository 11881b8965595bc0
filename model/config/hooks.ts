/** The `hooks` of sources and plans: what is run, or told, before and after. */
import { z } from 'zod';
import { duration } from '../units.ts';
import { webhookAddress } from './notify.ts';

export const hookTimeout = duration.refine(
  (milliseconds) => milliseconds > 0,
  'nothing is no wait\nWrite a number above zero with its unit, as in 5m.',
);

const common = {
  timeout: hookTimeout.prefault('5m').describe('how long it may take; then it is ended, and has failed'),
  onFailure: z
    .enum(['stop', 'warn'])
    .optional()
    .describe(
      'stop: the step has failed, and is tried again like any other (what before does); warn: it goes on, and is partial (what after does)',
    ),
};

const hook = z.union(
  [
    z.strictObject({
      command: z
        .array(z.string().min(1))
        .min(1, 'no program\nWrite it with its arguments: [/usr/local/bin/quiesce, wiki].')
        .describe('a program and its arguments; exit status 75 is a soft skip: it is left out this time'),
      ...common,
    }),
    z.strictObject({ webhook: webhookAddress.describe('what happens is posted there as JSON'), ...common }),
  ],
  { error: 'not a hook\nWrite { command: [PROGRAM, ARGUMENT…] } or { webhook: https://… }.' },
);
export type HookConfig = z.output<typeof hook>;

export const hooksConfig = z
  .strictObject({
    before: z
      .array(hook)
      .default([])
      .describe('one after another; when its turn has come, before anything of it is read'),
    after: z
      .array(hook)
      .default([])
      .describe('one after another; after each attempt, whatever became of it, also after a worker has died'),
  })
  .optional()
  .describe('what is run, or told, before and after');
export type HooksConfig = z.output<typeof hooksConfig>;

/** What does when its config does not say: a hook before keeps what it cannot prepare from being captured. */
export function failurePolicy({ onFailure }: HookConfig, when: HookTime): 'stop' | 'warn' {
  return onFailure ?? (when === 'before' ? 'stop' : 'warn');
}

export const HOOK_TIMES = ['before', 'after'] as const;
export type HookTime = (typeof HOOK_TIMES)[number];

/** Those that there are. */
export function hookTimes(hooks: HooksConfig): readonly HookTime[] {
  return HOOK_TIMES.filter((when) => (hooks?.[when] ?? []).length > 0);
}
