/** What travels for a thaw between client, workflow and activities, as those who receive it parse it. */
import { z } from 'zod';
import { THAW_SPEEDS } from './config/destinations/thaw.ts';
import { pinnedReference } from './reference.ts';
import { name } from './source.ts';
import type { RestoreTarget } from './target.ts';
import type { ThawFacts, ThawReport, ThawStepInput, ThawWaits } from './thaw.ts';

const milliseconds = z.number().nonnegative();
const text = z.string().min(1);

export const restoreTarget = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('time'), time: text }),
  z.object({ kind: z.literal('position'), position: text }),
  z.object({ kind: z.literal('before'), position: text }),
  z.object({ kind: z.literal('name'), name: text }),
  z.object({ kind: z.literal('end') }),
]) satisfies z.ZodType<RestoreTarget>;

const input = {
  site: name,
  host: name,
  destination: name,
  backup: pinnedReference,
  folder: text,
  target: restoreTarget.nullable(),
  asOf: z.number().nullable(),
  speed: z.enum(THAW_SPEEDS),
  days: z.int().positive(),
};

const waits = z.object({
  interval: milliseconds,
  promised: milliseconds,
  retryFirst: milliseconds,
  retryMax: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
}) satisfies z.ZodType<ThawWaits>;

export const thawStepInput = z.object({ ...input, waits }) satisfies z.ZodType<ThawStepInput>;

const amount = z.object({ objects: z.number(), bytes: z.number() });
const facts = z.object({
  all: amount,
  frozen: amount,
  thawing: amount,
  readable: amount,
  asked: amount,
  until: z.string().nullable(),
}) satisfies z.ZodType<ThawFacts>;

export const thawReport = z.object({
  ...input,
  started: z.iso.datetime(),
  promised: z.iso.datetime(),
  facts: facts.nullable(),
  error: z
    .object({ step: z.string(), code: z.string(), message: z.string(), remedy: z.string().nullable() })
    .nullable(),
  late: z.boolean(),
  outcome: z.enum(['complete', 'cancelled', 'failed']).nullable(),
}) satisfies z.ZodType<ThawReport>;
