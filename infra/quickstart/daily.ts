/** The runs of a quickstart, the daily and the restore test behind it: live progress, and their reports. */
import { watchRun, type WatchedRun } from '../../client/cli/runs/follow.ts';
import type { Cli } from '../../client/cli/context.ts';
import type { Session } from '../../client/runs/session.ts';
import type { Site } from '../../activities/site.ts';
import { wholeSeconds } from '../../model/time.ts';

export interface DailyRun extends WatchedRun {
  readonly milliseconds: number;
}

/** With --once somebody waits for the end: nothing is tried for longer than this. */
const IMPATIENT = 60_000;

/** Runs the daily plan now. ^C cancels it. */
export function runDaily(cli: Cli, session: Session, site: Site): Promise<DailyRun> {
  return runNow(cli, session, site, 'daily');
}

/** Runs the restore test of every source now, as it is run each month. ^C cancels it. */
export function runRestoreTest(cli: Cli, session: Session, site: Site): Promise<DailyRun> {
  return runNow(cli, session, site, 'restore-test');
}

async function runNow(cli: Cli, session: Session, site: Site, plan: string): Promise<DailyRun> {
  const started = Date.now();
  const input = { site: site.config.site, plan, scheduled: wholeSeconds(started) };
  const watched = await watchRun(cli, session, input);
  return { ...watched, milliseconds: Date.now() - started };
}

/** The same site with deadlines of at most a minute. */
export function impatient(site: Site): Site {
  const { daily } = site.config.plans;
  const short = (wait: number) => Math.min(wait, IMPATIENT);
  const waits = {
    captureDeadline: short(daily.captureDeadline),
    copyDeadline: short(daily.copyDeadline),
    verifyDeadline: short(daily.verifyDeadline),
    busy: short(daily.busy),
    retryMax: Math.min(daily.retryMax, 10_000),
    retryFirst: Math.min(daily.retryFirst, 1000),
  };
  return { ...site, config: { ...site.config, plans: { ...site.config.plans, daily: { ...daily, ...waits } } } };
}
