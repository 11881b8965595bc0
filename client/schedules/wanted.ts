/** Which schedules a config wants. Pure: a plan is one line here, and Temporal is made to match. */
import { sourcesWithLogs } from '../../activities/operations/plan-logs.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { PLANS, type Plan } from '../runs/start.ts';

/** A schedule, as far as it is ours to say. Whether it is paused is the operator's. */
export interface Schedule {
  readonly id: string;
  readonly plan: Plan;
  readonly workflowType: string;
  /** The id of its runs, before the time that Temporal appends. */
  readonly workflowId: string;
  readonly taskQueue: string;
  /** Milliseconds between two runs, counted from the epoch: on the hour where it divides one. */
  readonly every: number;
  /** Milliseconds after which a missed time is not made up: less than the interval, or the oldest would run in place of the newest. */
  readonly catchUp: number;
  /** A time that comes while the run before still goes on is left out. */
  readonly overlap: 'SKIP';
  /** The arguments of its runs: site and plan alone. Everything else is read from the config when a run begins. */
  readonly input: { readonly site: string; readonly plan: Plan };
}

/** What the ids of the schedules of all sites begin with. */
export const ALL_SCHEDULES = 'mosaic-backup/';

/** What the ids of all schedules of a site begin with. No other's is ever touched. */
export function schedulePrefix(site: string): string {
  return `${ALL_SCHEDULES}${site}/`;
}

/** The schedules of a site, by their plans. */
export function wantedSchedules(config: SiteConfig): readonly Schedule[] {
  const { logs, catchUp } = config.plans;
  return [
    ...(Object.keys(config.destinations).length > 0 ? [schedule(config, 'catch-up', catchUp.every)] : []),
    ...(sourcesWithLogs({ config }).length > 0 ? [schedule(config, 'logs', logs.every)] : []),
  ];
}

function schedule({ site }: SiteConfig, plan: Plan, every: number): Schedule {
  return {
    id: `${schedulePrefix(site)}${plan}`,
    plan,
    workflowType: PLANS[plan].workflowType,
    workflowId: plan,
    taskQueue: site,
    every,
    // The server takes ten seconds at least, and the config no interval that is not longer.
    catchUp: Math.max(10_000, Math.floor(every / 2)),
    overlap: 'SKIP',
    input: { site, plan },
  };
}
