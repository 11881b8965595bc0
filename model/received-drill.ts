/** Drills, as those who receive them parse them. */
import { z } from 'zod';
import {
  MANUAL_PHASES,
  SCENARIOS,
  type DrillAsked,
  type DrillChosen,
  type DrillInput,
  type DrillReport,
} from './drill/drill.ts';
import { drillRecord } from './drill/record.ts';
import { milliseconds, runId } from './received-fields.ts';
import { testWaits } from './received-test.ts';
import { pinnedReference } from './reference.ts';
import { name, SOURCE_TYPES } from './source.ts';

const objectives = z.object({ rpo: milliseconds.nullable(), rto: milliseconds.nullable() });
const step = z.object({ source: name, type: z.enum(SOURCE_TYPES), after: z.array(name), objectives });

export const drillAsked = z.object({
  site: name,
  plan: z.string().min(1),
  scheduled: z.string(),
  sources: z.array(name).exactOptional(),
  timed: z.boolean().exactOptional(),
  scenario: z.enum(SCENARIOS).exactOptional(),
  // As an operator writes it in the Web UI, with his own zone: `planDrill` has it in UTC.
  at: z.iso.datetime({ offset: true }).exactOptional(),
  manual: z.array(z.enum(MANUAL_PHASES)).exactOptional(),
  gameDay: z.string().exactOptional(),
}) satisfies z.ZodType<DrillAsked>;

export const drillInput = z.object({
  runId,
  scenario: z.enum(SCENARIOS),
  host: name,
  steps: z.array(step),
  waits: testWaits,
  declared: z.string(),
  at: z.string().nullable(),
}) satisfies z.ZodType<DrillInput>;

const chosen = z.object({
  source: name,
  backup: pinnedReference,
  stale: z.boolean(),
  place: name.nullable(),
  others: z.array(name.nullable()),
  at: z.string().nullable(),
  taken: z.string(),
  bytes: z.number(),
}) satisfies z.ZodType<DrillChosen>;

/** What the steps of one source get. */
export const drillSourceInput = drillInput.extend({ chosen });

export const drillReport = drillRecord.omit({ created: true, signature: true }) satisfies z.ZodType<DrillReport>;
