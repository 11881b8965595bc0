/** Fields that what travels between client, workflows and activities has in common. */
import { z } from 'zod';
import type { StepError } from './run.ts';

export const milliseconds = z.number().nonnegative();

/** `<plan>-<scheduled time>`: it is a part of paths. */
export const runId = z.string().regex(/^[a-z][a-z0-9-]*-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);

export const stepError = z.object({
  step: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string().nullable(),
}) satisfies z.ZodType<StepError>;
