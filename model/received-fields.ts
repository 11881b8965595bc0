/** Fields that what travels between client, workflows and activities has in common. */
import { z } from 'zod';
import { GRAPH_STATES, type GraphStep } from './graph.ts';
import type { StepError } from './run.ts';

export const milliseconds = z.number().nonnegative();
export const bytes = z.number().nonnegative();

/** `<plan>-<scheduled time>`: it is a part of paths. */
export const runId = z.string().regex(/^[a-z][a-z0-9-]*-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);

export const stepError = z.object({
  step: z.string(),
  code: z.string(),
  message: z.string(),
  remedy: z.string().nullable(),
}) satisfies z.ZodType<StepError>;

export const graphStep = z.object({
  id: z.string(),
  name: z.string(),
  does: z.string(),
  after: z.array(z.string()),
  state: z.enum(GRAPH_STATES),
  attempts: z.number(),
  started: z.string().nullable(),
  ended: z.string().nullable(),
  bytes: bytes.nullable(),
  error: stepError.nullable(),
  next: z.string().nullable(),
  deadline: z.string().nullable(),
}) satisfies z.ZodType<GraphStep>;
