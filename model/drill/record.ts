/** The record of a drill: its report, signed by the coordinator, at every place. Unknown fields are kept. */
import { z } from 'zod';
import { signature } from '../manifest.ts';
import { graphStep as receivedStep, stepError as receivedError } from '../received-fields.ts';
import { OUTCOMES } from '../recovery-point.ts';
import { pinnedReference } from '../reference.ts';
import { SOURCE_TYPES } from '../source.ts';
import { DRILL_SCHEMA, MANUAL_PHASES, NEWEST_BY, SCENARIOS, type DrillReport } from './drill.ts';

const time = z.iso.datetime({ offset: false });
const milliseconds = z.number();

const objectives = z.looseObject({ rpo: milliseconds.nullable(), rto: milliseconds.nullable() });

const stepError = receivedError.loose();

const graphStep = receivedStep
  .extend({
    started: time.nullable(),
    ended: time.nullable(),
    bytes: z.number().nullable(),
    error: stepError.nullable(),
  })
  .loose();

const chosen = z.looseObject({
  source: z.string(),
  backup: pinnedReference,
  /** Older than the last run that had the source: that had not captured it, or what it captured is not to be used. */
  stale: z.boolean(),
  /** A destination; null is the repository. */
  place: z.string().nullable(),
  others: z.array(z.string().nullable()),
  /** RFC 3339: how far its logs were replayed; null where it has none there. */
  at: z.string().nullable(),
  taken: time,
  bytes: z.number(),
});

/** Copies that did not do, and the places of those that are damaged. */
const tried = { passed: z.array(z.string()), damaged: z.array(z.string()) };

const newest = { by: z.enum(NEWEST_BY), time };

const drilled = z.looseObject({
  source: z.string(),
  type: z.enum(SOURCE_TYPES),
  objectives,
  after: z.array(z.string()),
  outcome: z.enum(OUTCOMES).nullable(),
  choice: chosen.nullable(),
  /** With the command that was given, word for word. */
  restored: z
    .looseObject({
      /** Whose copy did; null is the repository. */
      place: z.string().nullable(),
      command: z.array(z.string()),
      ...tried,
      bytes: z.number(),
      milliseconds,
    })
    .nullable(),
  tried: z.looseObject(tried).exactOptional(),
  started: z
    .looseObject({
      command: z.array(z.string()).nullable(),
      newest: z.array(z.looseObject(newest)),
      /** How far it was not cut off from production, and why; absent where it was. */
      isolation: z.string().exactOptional(),
    })
    .nullable(),
  probes: z.array(
    z.looseObject({
      name: z.string(),
      ok: z.boolean(),
      detail: z.string(),
      milliseconds,
      /** It could not be asked on that machine, which says nothing of the backup. */
      asked: z.literal(false).exactOptional(),
      own: z.literal(true).exactOptional(),
    }),
  ),
  /** From the declaration until its last probe was green; null where it never was. */
  rto: milliseconds.nullable(),
  /** Data that were lost, in milliseconds before `choice.disaster`; the most exact first. */
  losses: z.array(z.looseObject({ ...newest, milliseconds })),
  steps: z.array(graphStep),
  errors: z.array(stepError),
});

export const drillRecord = z.looseObject({
  schema: z.literal(DRILL_SCHEMA),
  runId: z.string().min(1),
  site: z.string(),
  scenario: z.enum(SCENARIOS),
  host: z.string(),
  outcome: z.enum(OUTCOMES).nullable(),
  /** The disaster, from which everything is counted. */
  declared: time.nullable(),
  ended: time.nullable(),
  choice: z
    .looseObject({
      /** What was written later is lost, or not wanted back. */
      disaster: time,
      point: z.string().nullable(),
      sources: z.array(chosen),
      lacking: z.array(z.looseObject({ source: z.string(), why: z.string() })),
      passed: z.array(z.string()),
    })
    .nullable(),
  sources: z.array(drilled),
  steps: z.array(graphStep),
  objectives,
  rto: milliseconds.nullable(),
  /** Ids of the steps that it waited for, in their order. */
  criticalPath: z.array(z.string()),
  rpo: milliseconds.nullable(),
  confirmations: z.array(z.looseObject({ phase: z.enum(MANUAL_PHASES), milliseconds, note: z.string().nullable() })),
  /** SHA-256 of the config that it went by. */
  config: z.string().nullable(),
  errors: z.array(stepError),
  /** When it was signed. */
  created: time,
  signature,
}) satisfies z.ZodType<DrillReport>;
export type DrillRecord = z.infer<typeof drillRecord>;
