/** The `plans.drill` of a config: when disasters are rehearsed, which, and where everything is recovered. */
import { z } from 'zod';
import { MANUAL_PHASES, SCENARIOS } from '../drill/drill.ts';
import { name } from '../source.ts';
import { duration } from '../units.ts';
import { clock, days } from './calendar-fields.ts';
import { absolutePath, wait } from './fields.ts';
import { hookTimeout } from './hooks.ts';
import { proofWaits } from './proof-waits.ts';
import { secret } from './secret.ts';

/** A week after the restore tests, so that a drill rests on what they proved. */
const USUAL_DAYS = 'third sunday';
/** Once a quarter. */
const USUAL_MONTHS = [1, 4, 7, 10];

const NO_MONTH = 'not a month\nWrite numbers from 1 (January) to 12.';

const provisioning = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1, 'no program\nWrite it with its arguments: [apt-get, install, --yes, postgresql-16].')
    .describe('a program and its arguments; no shell'),
  timeout: hookTimeout.prefault('30m').describe('how long it may take; then it is ended, and has failed'),
});

export const drillPlan = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('whether a schedule starts it, where an identity is at hand; by hand it can be run all the same'),
    at: clock.default('09:00').describe('the time of day at which it begins, in the timeZone of the site'),
    on: days.default(USUAL_DAYS).describe('the days: every day, sunday, [monday, thursday], third sunday'),
    months: z
      .array(z.int(NO_MONTH).min(1, NO_MONTH).max(12, NO_MONTH))
      .min(1, 'no month\nName at least one, as in [1, 4, 7, 10]; set enabled: false for no drills.')
      .default(USUAL_MONTHS)
      .describe('the months, by their numbers'),
    scenarios: z
      .array(z.enum(SCENARIOS))
      .min(1, `no scenario\nName at least one: ${SCENARIOS.join(', ')}.`)
      .default(['host-lost'])
      .describe('what is simulated: in turn, one each time'),
    host: name.optional().describe('the host that recovers, which needs an identity; absent: the coordinator'),
    sources: z
      .array(name)
      .min(1, 'no source to recover\nName at least one, or leave it out for all.')
      .optional()
      .describe('absent: all of the site'),
    primary: name
      .optional()
      .describe('the destination that is lost with the repository in primary-storage-lost; absent: the first'),
    secondIdentity: secret
      .optional()
      .describe("the second recipient's identity file, for key-lost; only on the host that recovers"),
    scratch: absolutePath
      .optional()
      .describe(
        'the folder in which everything is recovered; nothing stays in it. Absent: beside the state folder, as that of restore tests',
      ),
    documents: absolutePath
      .optional()
      .describe('the folder of the runbook and the reports, made to be committed. Absent: documents, in state'),
    declareWithin: duration
      .prefault('4h')
      .describe('the disaster is declared within so long, at a moment that nobody knows; 0s: at once'),
    beside: z.int().min(1).max(16).default(2).describe('so many sources are restored at a time'),
    manual: z
      .array(z.enum(MANUAL_PHASES))
      .default([])
      .describe('phases that wait for somebody to confirm them; the time that it takes counts'),
    gameDay: z
      .boolean()
      .default(false)
      .describe(
        'this site is no production: a drill may be a game day (drill start --game-day), in which what was recovered stays up until somebody confirms tear-down',
      ),
    objectives: z
      .strictObject({
        rpo: duration.optional().describe('how much data, in time, may be lost of any source'),
        rto: duration.optional().describe('how long until everything is back'),
      })
      .default({})
      .describe('of the whole stack; those of a source stand with it'),
    contacts: z.array(z.string().min(1)).default([]).describe('who is called, in the order of the runbook'),
    keys: z.string().min(1).optional().describe('where the recovery kit and the identities are, in words; no secret'),
    provision: z
      .array(provisioning)
      .default([])
      .describe('one after another, on the host that recovers: what installs what is missing there'),
    ...proofWaits,
    staleAfter: wait
      .prefault('100d')
      .describe('when no drill has succeeded for so long, status and the watchdog say so'),
  })
  .prefault({});
