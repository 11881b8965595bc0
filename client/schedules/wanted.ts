/** Which schedules a config wants. Pure: a plan is one line here, and Temporal is made to match. */
import { archiveDestinations } from '../../activities/operations/archive/index.ts';
import { sourcesWithLogs } from '../../activities/operations/plan-logs.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { isDrilled } from '../../model/drill/whole.ts';
import { backupPlans, type BackupPlan } from '../../model/plans.ts';
import { calendarOf, shortestGap, type Calendar } from '../../model/timetable/calendar.ts';
import { planKind } from '../runs/start.ts';

/** When a plan is due: at times of day, or so many milliseconds apart, counted from the epoch: on the hour where it divides one. */
export type Timing =
  | { readonly calendar: Calendar; readonly every?: undefined }
  | { readonly every: number; readonly calendar?: undefined };

/** A schedule, as far as it is ours to say. Whether it is paused is the operator's. */
export type Schedule = Timing & {
  readonly id: string;
  readonly plan: string;
  readonly workflowType: string;
  /** The id of its runs, before the time that Temporal appends. */
  readonly workflowId: string;
  readonly taskQueue: string;
  /** Milliseconds after which a missed time is not made up: less than the interval, or the oldest would run in place of the newest. */
  readonly catchUp: number;
  /** A time that comes while the run before still goes on is left out. */
  readonly overlap: 'SKIP';
  /** The arguments of its runs: site and plan alone. Everything else is read from the config when a run begins. */
  readonly input: { readonly site: string; readonly plan: string };
};

/** What the ids of the schedules of all sites begin with. */
export const ALL_SCHEDULES = 'mosaic-backup/';

/** What the ids of all schedules of a site begin with. No other's is ever touched. */
export function schedulePrefix(site: string): string {
  return `${ALL_SCHEDULES}${site}/`;
}

export function scheduleId(site: string, plan: string): string {
  return `${schedulePrefix(site)}${plan}`;
}

/** The schedules of a site, by their plans. */
export function wantedSchedules(config: SiteConfig): readonly Schedule[] {
  const { logs, catchUp } = config.plans;
  return [
    ...(Object.keys(config.destinations).length > 0 ? [ticks(config, 'catch-up', catchUp.every)] : []),
    ...scheduledPlans(config).map(({ name, calendar }) => dated(config, name, calendar)),
    ...(isTested(config) ? [dated(config, 'restore-test', calendarOf(config.plans.restoreTest, config.timeZone))] : []),
    ...(isDrilled(config) ? [dated(config, 'drill', calendarOf(config.plans.drill, config.timeZone))] : []),
    ...(sourcesWithLogs({ config }).length > 0 ? [ticks(config, 'logs', logs.every)] : []),
  ];
}

/** The plans that back up by themselves. One of the archive needs a destination that keeps what it makes. */
export function scheduledPlans(config: SiteConfig): readonly BackupPlan[] {
  const archived = archiveDestinations({ config }).length > 0;
  return backupPlans(config).filter(({ enabled, tier }) => enabled && (tier !== 'monthly' || archived));
}

function ticks(config: SiteConfig, plan: string, every: number): Schedule {
  // The server takes ten seconds at least, and the config no interval that is not longer.
  return { ...common(config, plan), every, catchUp: Math.max(10_000, Math.floor(every / 2)) };
}

/** Milliseconds: what was missed longer ago is told by its age, and not made up in the middle of a day. */
const LONGEST_CATCH_UP = 3 * 86_400_000;
/** Milliseconds that a catch-up window is shorter than the time between two runs; daylight saving takes one hour of that. */
const SHORTER = 2 * 3_600_000;

/** Where no identity is at hand nothing can be restored: a host that only backs up has none. */
function isTested({ plans: { restoreTest }, encryption }: SiteConfig): boolean {
  return restoreTest.enabled && (restoreTest.host !== undefined || encryption.identity !== undefined);
}

function dated(config: SiteConfig, name: string, calendar: Calendar): Schedule {
  return { ...common(config, name), calendar, catchUp: catchUpOf(calendar) };
}

/** Milliseconds after which a missed time of a plan is not made up. */
export function catchUpOf(calendar: Calendar): number {
  return Math.min(LONGEST_CATCH_UP, shortestGap(calendar) - SHORTER);
}

function common({ site }: SiteConfig, plan: string) {
  return {
    id: scheduleId(site, plan),
    plan,
    workflowType: planKind(plan).workflowType,
    workflowId: plan,
    taskQueue: site,
    overlap: 'SKIP',
    input: { site, plan },
  } as const;
}
