/**
 * What travels between client, workflows and activities, as those who receive it parse it: the other side may be another
 * version, or somebody else who may write to that Temporal. Fields that are not known here are left out.
 */
import { z } from 'zod';
import { HOOK_TIMES } from './config/hooks.ts';
import { isRecipient } from './keys.ts';
import { DELIVERY_STATES, type CatchUpSpec, type Delivered, type DeliveryInput } from './catch-up.ts';
import type { LogsFacts, LogsInput, LogsSpec } from './logs-run.ts';
import { backupFacts, OUTCOMES, SOURCE_OUTCOMES } from './recovery-point.ts';
import { bytes, graphStep, milliseconds, runId, stepError } from './received-fields.ts';
import { testReport } from './received-test.ts';
import { pinnedReference } from './reference.ts';
import type { RetentionSummary } from './retention/summary.ts';
import { PASSES, type RotationInput, type RotationPlace, type RotationWaits } from './rotation.ts';
import type { WaitingStep } from './run-alerts.ts';
import {
  STEP_STATES,
  type RetentionInput,
  type RunReport,
  type RunSpec,
  type SourceReport,
  type StepInput,
  type Waits,
} from './run.ts';
import { GROUPS, KINDS, name, SOURCE_TYPES, TIERS } from './source.ts';

const scheduled = z.iso.datetime({ offset: false });
const waits = z.object({
  captureDeadline: milliseconds,
  copyDeadline: milliseconds,
  verifyDeadline: milliseconds,
  retryFirst: milliseconds,
  retryMax: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
  busy: milliseconds,
  alertAfter: milliseconds,
  remindAfter: milliseconds,
}) satisfies z.ZodType<Waits>;

const sourceStep = z.object({
  source: name,
  type: z.enum(SOURCE_TYPES),
  group: z.enum(GROUPS),
  host: name,
  tier: z.enum(TIERS),
  destinations: z.array(name),
  after: z.array(name).exactOptional(),
  hooks: z.array(z.enum(HOOK_TIMES)).exactOptional(),
});

export const planInput = z.object({
  site: name,
  plan: name,
  scheduled,
  sources: z.array(name).exactOptional(),
  timed: z.boolean().exactOptional(),
});

const step = {
  runId,
  scheduled,
  step: sourceStep,
  waits,
  until: milliseconds.exactOptional(),
  attempt: z.int().positive().exactOptional(),
};
export const stepInput = z.object(step) satisfies z.ZodType<StepInput>;
export const releaseInput = z.object({ ...step, outcome: z.enum(SOURCE_OUTCOMES) });
export const planHookInput = z.object({
  spec: z.object({ runId, site: name, plan: name, waits }),
  when: z.enum(HOOK_TIMES),
  outcome: z.enum(OUTCOMES).nullable(),
});
export const verifyInput = z.object({ ...step, backup: pinnedReference });
export const copyInput = z.object({ ...step, backup: pinnedReference, destination: name });

export const runSpec = z.object({
  runId,
  site: name,
  plan: name,
  scheduled,
  phases: z.array(
    z.object({ group: z.enum(GROUPS), steps: z.array(sourceStep), begins: z.iso.datetime().exactOptional() }),
  ),
  waits,
  retention: z.boolean().exactOptional(),
  notified: z.boolean(),
  until: milliseconds.exactOptional(),
  configDigest: z.string(),
  hooks: z.array(z.enum(HOOK_TIMES)).exactOptional(),
}) satisfies z.ZodType<RunSpec>;

export const retentionInput = z.object({ waits, sources: z.array(name) }) satisfies z.ZodType<RetentionInput>;

const amount = z.object({ backups: z.number(), bytes: z.number() });
const retentionSummary = z.object({
  host: name,
  places: z.array(
    z.object({
      place: name,
      away: z.string().nullable(),
      mayDelete: z.boolean(),
      kept: amount,
      due: amount,
      deleted: amount,
      left: amount,
      problems: z.array(z.string()),
    }),
  ),
  stopped: z.array(z.object({ source: name, reasons: z.array(z.string()) })),
}) satisfies z.ZodType<RetentionSummary>;

const logsWaits = z.object({
  workerDeadline: milliseconds,
  retryFirst: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
  busy: milliseconds,
});
const logsStep = z.object({
  source: name,
  type: z.enum(SOURCE_TYPES),
  host: name,
  destinations: z.array(name),
  deadline: milliseconds,
});
export const logsInput = z.object({
  runId,
  scheduled,
  step: logsStep,
  waits: logsWaits,
}) satisfies z.ZodType<LogsInput>;
export const logsSpec = z.object({
  runId,
  site: name,
  plan: name,
  scheduled,
  steps: z.array(logsStep),
  waits: logsWaits,
  notified: z.boolean(),
}) satisfies z.ZodType<LogsSpec>;

const space = z.array(z.object({ path: z.string(), free: z.number() }));
const logsFacts = z.object({
  shipped: z.boolean(),
  sealed: z.string().nullable(),
  coversUntil: z.string().nullable(),
  gap: z.string().nullable(),
  stray: z.string().exactOptional(),
  fullDue: z.string().nullable(),
  fullRun: z.string().exactOptional(),
  fullOwed: z.array(z.string()).exactOptional(),
  owed: z.record(z.string(), z.number()),
  space,
  slotLost: z.string().nullable(),
  server: z
    .object({
      space,
      slot: z.object({ name: z.string(), kept: z.number(), limit: z.number().nullable() }).nullable(),
    })
    .nullable(),
  missing: z.array(z.object({ from: z.string(), to: z.string().nullable() })).exactOptional(),
  beside: z.array(z.object({ source: name, space })).exactOptional(),
}) satisfies z.ZodType<LogsFacts>;

export const waitingStep = z.object({
  site: name,
  runId,
  since: z.string(),
  step: graphStep,
  source: name.nullable(),
  host: name.nullable(),
}) satisfies z.ZodType<WaitingStep>;

export const sourceReport = z.object({
  source: name,
  state: z.enum(STEP_STATES),
  outcome: z.enum(SOURCE_OUTCOMES).nullable(),
  captured: z
    .object({
      backup: pinnedReference,
      kind: z.enum(KINDS),
      bytes,
      plainBytes: bytes,
      milliseconds: z.number(),
      warnings: z.array(z.string()),
      partial: z.boolean(),
      existed: z.boolean(),
      facts: backupFacts.exactOptional(),
    })
    .nullable(),
  copies: z.array(z.object({ destination: name, bytes, milliseconds: z.number() })),
  skipped: z.array(z.object({ destination: name, skipped: z.string() })).exactOptional(),
  verified: z.boolean(),
  errors: z.array(stepError),
  softSkip: z.string().exactOptional(),
  logs: logsFacts.nullable().exactOptional(),
}) satisfies z.ZodType<SourceReport>;

const deliveryStep = z.object({ destination: name, host: name });
const catchUpWaits = z.object({
  workerDeadline: milliseconds,
  retryFirst: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
});
export const deliveryInput = z.object({
  site: name,
  runId,
  step: deliveryStep,
  deadline: milliseconds.nullable(),
  waits: catchUpWaits,
}) satisfies z.ZodType<DeliveryInput>;
export const catchUpSpec = z.object({
  runId,
  site: name,
  plan: name,
  scheduled,
  steps: z.array(deliveryStep),
  deadline: milliseconds,
  waits: catchUpWaits,
  notified: z.boolean(),
}) satisfies z.ZodType<CatchUpSpec>;
const count = z.number().nonnegative();
export const delivered = z.object({
  destination: name,
  host: name,
  state: z.enum(DELIVERY_STATES),
  copied: z.object({ backups: count, bytes, records: count }),
  milliseconds: z.number(),
  behind: z.object({ backups: count, bytes, since: z.string().nullable(), records: count }).nullable(),
  newest: z.string().nullable(),
  errors: z.array(stepError),
}) satisfies z.ZodType<Delivered>;

export const runReport = z.object({
  runId,
  outcome: z.enum(OUTCOMES).nullable(),
  sources: z.array(sourceReport),
  errors: z.array(stepError),
  destinations: z.array(delivered).exactOptional(),
  tests: z.array(testReport).exactOptional(),
  retention: z.array(retentionSummary).exactOptional(),
}) satisfies z.ZodType<RunReport>;

const rotationWaits = z.object({
  retryFirst: milliseconds,
  retryMax: milliseconds,
  heartbeat: milliseconds,
  standstill: milliseconds,
}) satisfies z.ZodType<RotationWaits>;
const rotationPlace = z.object({ place: name, host: name }) satisfies z.ZodType<RotationPlace>;
const identityFiles = z.array(z.string().startsWith('/'));
const recipients = z.array(z.string().refine(isRecipient, 'not an age recipient'));

export const rotationInput = z.object({
  site: name,
  host: name,
  place: name.exactOptional(),
  identities: identityFiles,
}) satisfies z.ZodType<RotationInput>;

const ofRotation = { identities: identityFiles, waits: rotationWaits };
export const rotationPage = z.object({
  ...ofRotation,
  at: rotationPlace,
  pass: z.enum(PASSES),
  after: z.string().nullable(),
  limit: z.int().positive(),
  recipients,
});
export const rotationProof = z.object({ ...ofRotation, source: name, shown: recipients, places: z.array(name) });
