/** The `plans` of a config: when each runs, and how long its steps are tried. Without a word it is the strategy's timetable. */
import { z } from 'zod';
import { GROUPS, name, TIERS, type Tier } from '../source.ts';
import { calendarOf, shortestGap, type WEEKDAYS } from '../timetable/calendar.ts';
import { LATER_GROUPS, minutesAfter, phaseTimes, type PhaseOffsets, type PhaseTimes } from '../timetable/phases.ts';
import { duration, formatDuration } from '../units.ts';
import { catchUpPlan, logsPlan } from './ticks.ts';
import { clock, days } from './calendar-fields.ts';
import { drillPlan } from './drill.ts';
import { heartbeat, wait } from './fields.ts';
import { hooksConfig } from './hooks.ts';
import { restoreTestPlan } from './restore-test.ts';

const WAITS = {
  captureDeadline: "how long a capture is tried again; shorter than the plan's interval",
  copyDeadline: 'how long a copy is tried again',
  verifyDeadline: 'how long a verification is tried again',
  retryFirst: 'the first pause between two attempts',
  retryMax: 'the longest pause between two attempts',
  heartbeat: 'a worker that is silent for so long is dead',
  standstill: 'children that neither move bytes nor use CPU or I/O for so long are ended',
  busy: 'how long to wait for another capture of the same source',
  alertAfter: 'a step that fails and waits for so long is an alert',
  remindAfter: 'an alert that lasts is told again after so long',
} as const;

/** Waits of the steps. */
const waits = {
  captureDeadline: wait.prefault('2h').describe(WAITS.captureDeadline),
  copyDeadline: wait.prefault('1h').describe(WAITS.copyDeadline),
  verifyDeadline: wait.prefault('1h').describe(WAITS.verifyDeadline),
  retryFirst: wait.prefault('5s').describe(WAITS.retryFirst),
  retryMax: wait.prefault('5m').describe(WAITS.retryMax),
  heartbeat: heartbeat.prefault('30s').describe(WAITS.heartbeat),
  standstill: wait.prefault('10m').describe(WAITS.standstill),
  busy: duration.prefault('10m').describe(WAITS.busy),
  alertAfter: wait.prefault('1m').describe(WAITS.alertAfter),
  remindAfter: wait.prefault('1h').describe(WAITS.remindAfter),
};

/** Those of the other plans: where absent, the daily's. */
const ownWaits = {
  captureDeadline: wait.optional().describe(WAITS.captureDeadline),
  copyDeadline: wait.optional().describe(WAITS.copyDeadline),
  verifyDeadline: wait.optional().describe(WAITS.verifyDeadline),
  retryFirst: wait.optional().describe(WAITS.retryFirst),
  retryMax: wait.optional().describe(WAITS.retryMax),
  heartbeat: heartbeat.optional().describe(WAITS.heartbeat),
  standstill: wait.optional().describe(WAITS.standstill),
  busy: duration.optional().describe(WAITS.busy),
  alertAfter: wait.optional().describe(WAITS.alertAfter),
  remindAfter: wait.optional().describe(WAITS.remindAfter),
};

const phase = clock.optional();

const AT = 'the time of day at which it begins, in the timeZone of the site';

function timing(usualDays: string) {
  return {
    enabled: z.boolean().default(true).describe('whether a schedule starts it; by hand it can be run all the same'),
    on: days.default(usualDays).describe('the days: every day, sunday, [monday, thursday], first sunday'),
    phases: z
      .strictObject({ apps: phase, system: phase, configs: phase })
      .prefault({})
      .describe('the time of day before which a phase does not begin'),
    jitter: duration
      .prefault('0s')
      .describe('a run begins up to so long after its time, always the same for the same run'),
    hooks: hooksConfig,
  };
}

type Timing = Readonly<{
  at: string;
  on: string | (typeof WEEKDAYS)[number][];
  phases: Readonly<{ apps?: string | undefined; system?: string | undefined; configs?: string | undefined }>;
  jitter: number;
  captureDeadline?: number | undefined;
  retryFirst?: number | undefined;
  retryMax?: number | undefined;
}>;

/** Where the daily says it: it is checked there. */
const USUAL_DEADLINE = 2 * 3_600_000;

type Refinement = z.core.$RefinementCtx;

/** What the fields of a plan say together. */
function together(offsets: PhaseOffsets) {
  return (plan: Timing, context: Refinement): void => {
    if (plan.retryFirst !== undefined && plan.retryMax !== undefined && plan.retryFirst > plan.retryMax)
      complain(
        context,
        [],
        'retryFirst is longer than retryMax',
        'The pauses grow from retryFirst (5s) to retryMax (5m).',
      );
    const times = timesOf(plan, offsets);
    let before: readonly [group: string, minutes: number] = ['databases', 0];
    for (const group of LATER_GROUPS) {
      const time = times[group];
      if (time === undefined) continue;
      const minutes = minutesAfter(plan.at, time);
      if (minutes < before[1]) {
        const late = formatDuration(minutesAfter(plan.at, times[before[0] as keyof PhaseTimes] ?? plan.at) * 60_000);
        complain(
          context,
          ['phases', group],
          `${group} would begin before ${before[0]}, which begin ${late} after the plan`,
          `Phases come in the order ${GROUPS.join(', ')}; a time of day before ${plan.at} is one of the next day.`,
        );
        return;
      }
      before = [group, minutes];
    }
    const gap = shortestGap(calendarOf(plan, 'UTC'));
    if (before[1] * 60_000 + plan.jitter + (plan.captureDeadline ?? USUAL_DEADLINE) > gap)
      complain(
        context,
        [],
        `a capture of ${before[0]} could be tried until the plan is due again`,
        `Let the last phase's time, jitter and captureDeadline together be less than ${formatDuration(gap)} after ${plan.at}.`,
      );
  };
}

function complain(context: Refinement, path: string[], message: string, remedy: string): void {
  context.addIssue({ code: 'custom', path, message: `${message}\n${remedy}`, input: undefined });
}

function timesOf({ at, phases }: Pick<Timing, 'at' | 'phases'>, offsets: PhaseOffsets): PhaseTimes {
  const own = Object.entries(phases).filter(([, time]) => time !== undefined);
  return phaseTimes(at, Object.fromEntries(own), offsets);
}

/** How long after its time each plan's phases begin, in minutes, where the config says nothing else. */
export const PHASE_OFFSETS = {
  daily: { apps: 30, system: 60, configs: 60 },
  weekly: { apps: 60, system: 120, configs: 120 },
  monthly: {},
  custom: {},
} as const satisfies Record<string, PhaseOffsets>;

const daily = z
  .strictObject({ at: clock.default('02:00').describe(AT), ...timing('every day'), ...waits })
  .superRefine(together(PHASE_OFFSETS.daily));
const weekly = z
  .strictObject({ at: clock.default('01:00').describe(AT), ...timing('sunday'), ...ownWaits })
  .superRefine(together(PHASE_OFFSETS.weekly));
/** Six o'clock: by then the captures of the weekly have ended, or failed at their deadline. */
const monthly = z
  .strictObject({ at: clock.default('06:00').describe(AT), ...timing('first sunday'), ...ownWaits })
  .superRefine(together(PHASE_OFFSETS.monthly));

/** Tiers of a custom plan. A yearly is made of the year's first monthly. */
const CUSTOM_TIERS = TIERS.filter((tier): tier is Exclude<Tier, 'yearly'> => tier !== 'yearly');

const custom = z
  .strictObject({
    sources: z
      .array(name)
      .min(1, 'no source to back up\nName at least one, or leave it out for all.')
      .optional()
      .describe('absent: all of the site'),
    tier: z
      .enum(CUSTOM_TIERS)
      .default('daily')
      .describe('where copies of what it makes go, and how long they are kept; weekly and monthly are fulls'),
    at: clock.describe(AT),
    ...timing('every day'),
    ...ownWaits,
  })
  .superRefine(together(PHASE_OFFSETS.custom));

/** A plan's name begins the ids of its runs. */
export const PLAN_NAME = /^[a-z][a-z0-9-]{0,39}$/;

export const plansConfig = z
  .strictObject({
    daily: daily.prefault({}),
    weekly: weekly.prefault({}),
    monthly: monthly.prefault({}),
    custom: z
      .record(z.string(), custom)
      .meta({ propertyNames: { type: 'string', pattern: PLAN_NAME.source } })
      .default({})
      .describe('further plans of your own, by their names'),
    logs: logsPlan.prefault({}),
    catchUp: catchUpPlan,
    restoreTest: restoreTestPlan,
    drill: drillPlan,
  })
  .prefault({});

export type PlansConfig = z.output<typeof plansConfig>;
export type CustomConfig = z.output<typeof custom>;

/** The times of a plan's phases, those that the config leaves to us filled in. */
export function configuredPhases(config: Pick<CustomConfig, 'at' | 'phases'>, offsets: PhaseOffsets): PhaseTimes {
  return timesOf(config, offsets);
}
