/** Restore tests, as those who receive them parse them. */
import { z } from 'zod';
import { measured } from './evidence.ts';
import { WAYS } from './proof/choose.ts';
import { milliseconds, runId, stepError } from './received-fields.ts';
import { OUTCOMES } from './recovery-point.ts';
import { pinnedReference } from './reference.ts';
import type { ContentsRecord, Proven, TestChoice, TestInput, TestReport } from './restore-test.ts';
import { name, SOURCE_TYPES } from './source.ts';

export const testWaits = z.object({
  deadline: milliseconds,
  retryFirst: milliseconds,
  retryMax: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
  alertAfter: milliseconds,
  remindAfter: milliseconds,
});
const step = z.object({ source: name, type: z.enum(SOURCE_TYPES), host: name });

export const testInput = z.object({ runId, step, waits: testWaits }) satisfies z.ZodType<TestInput>;

const choice = z.object({
  backup: pinnedReference,
  place: name.nullable(),
  way: z.enum(WAYS),
  at: z.string().nullable(),
  beyond: z.string().nullable().exactOptional(),
  contents: z.string().nullable(),
  records: z
    .array(
      z.object({ digest: z.string(), place: name.nullable(), key: z.string() }) satisfies z.ZodType<ContentsRecord>,
    )
    .exactOptional(),
  passed: z.array(z.string()),
}) satisfies z.ZodType<TestChoice>;
export const proveInput = testInput.extend({ choice });

const proven = z.object({
  measured: measured.nullable(),
  compared: z.array(z.string()),
  notCompared: z.array(z.string()),
  recorded: z.string().nullable(),
  unrecorded: z.string().nullable(),
}) satisfies z.ZodType<Proven>;

export const testReport = z.object({
  source: name,
  host: name,
  outcome: z.enum(OUTCOMES).nullable(),
  choice: choice.nullable(),
  proven: proven.nullable(),
  errors: z.array(stepError),
}) satisfies z.ZodType<TestReport>;
