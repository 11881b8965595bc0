/** The plans of a site that back up sources: three of the strategy, and those of the config. Pure functions of the config. */
import { configuredPhases, PHASE_OFFSETS, type CustomConfig, type PlansConfig } from './config/plans.ts';
import type { HooksConfig } from './config/hooks.ts';
import type { SiteConfig } from './config/site.ts';
import type { Waits } from './run.ts';
import type { Tier } from './source.ts';
import { calendarOf, type Calendar } from './timetable/calendar.ts';
import type { PhaseOffsets, PhaseTimes } from './timetable/phases.ts';

export interface BackupPlan {
  readonly name: string;
  readonly tier: Tier;
  /** Whether a schedule starts it. */
  readonly enabled: boolean;
  readonly calendar: Calendar;
  readonly phases: PhaseTimes;
  /** Milliseconds; a run begins up to so long after its time. */
  readonly jitter: number;
  readonly waits: Waits;
  readonly hooks: HooksConfig;
  /** Null: all of the site. */
  readonly sources: readonly string[] | null;
}

/** The plans of the strategy: each makes what it is called. */
export const STRATEGY = ['daily', 'weekly', 'monthly'] as const satisfies readonly Tier[];

/** Names that a plan of the config cannot have: of other plans, and of a tier. */
export const RESERVED_PLANS: readonly string[] = [...STRATEGY, 'yearly', 'logs', 'catch-up', 'restore-test', 'drill'];

type Config = Pick<SiteConfig, 'plans' | 'timeZone'>;

/** Those of the strategy first. */
export function backupPlans({ plans, timeZone }: Config): readonly BackupPlan[] {
  return [
    ...STRATEGY.map((name) => planOf({ name, tier: name, own: plans[name], sources: null }, plans, timeZone)),
    ...Object.entries(plans.custom).map(([name, own]) =>
      planOf({ name, tier: own.tier, own, sources: own.sources ?? null }, plans, timeZone),
    ),
  ];
}

/** Undefined where the site has no such plan. */
export function backupPlan(config: Config, name: string): BackupPlan | undefined {
  return backupPlans(config).find((plan) => plan.name === name);
}

type Own = Pick<CustomConfig, 'enabled' | 'at' | 'on' | 'phases' | 'jitter' | 'hooks' | keyof Waits>;

interface Named extends Pick<BackupPlan, 'name' | 'tier' | 'sources'> {
  readonly own: Own;
}

function planOf({ own, ...named }: Named, { daily }: PlansConfig, timeZone: string): BackupPlan {
  return {
    ...named,
    enabled: own.enabled,
    calendar: calendarOf(own, timeZone),
    phases: configuredPhases(own, offsetsOf(named.name)),
    jitter: own.jitter,
    hooks: own.hooks,
    waits: waitsOf(own, daily),
  };
}

function offsetsOf(plan: string): PhaseOffsets {
  const known = STRATEGY.find((name) => name === plan);
  return PHASE_OFFSETS[known ?? 'custom'];
}

function waitsOf(own: Pick<CustomConfig, keyof Waits>, usual: Waits): Waits {
  const retryFirst = own.retryFirst ?? usual.retryFirst;
  return {
    captureDeadline: own.captureDeadline ?? usual.captureDeadline,
    copyDeadline: own.copyDeadline ?? usual.copyDeadline,
    verifyDeadline: own.verifyDeadline ?? usual.verifyDeadline,
    retryFirst,
    // Of two plans each may be right alone; Temporal takes no longest pause that is shorter than the first.
    retryMax: Math.max(retryFirst, own.retryMax ?? usual.retryMax),
    heartbeat: own.heartbeat ?? usual.heartbeat,
    standstill: own.standstill ?? usual.standstill,
    busy: own.busy ?? usual.busy,
    alertAfter: own.alertAfter ?? usual.alertAfter,
    remindAfter: own.remindAfter ?? usual.remindAfter,
  };
}
