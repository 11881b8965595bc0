/** The daily run of a quickstart: live progress, and its report. */
import type { Cli } from '../../client/cli/context.ts';
import { runAddress, runPlan } from '../../client/runs/run-plan.ts';
import type { Session } from '../../client/runs/session.ts';
import { plainView, terminalView } from '../../client/runs/view.ts';
import type { Site } from '../../activities/site.ts';
import { runId, type RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';

export interface DailyRun {
  readonly report: RunReport;
  /** Address in the Web UI; null where none is known. */
  readonly ui: string | null;
  readonly milliseconds: number;
}

/** Milliseconds between two looks at the run. */
const LOOK = 500;
/** With --once somebody waits for the end: nothing is tried for longer than this. */
const IMPATIENT = 60_000;

/** Runs the daily plan now. ^C cancels it. */
export async function runDaily(cli: Cli, session: Session, site: Site): Promise<DailyRun> {
  const started = Date.now();
  const input = { site: site.config.site, plan: 'daily', scheduled: wholeSeconds(started) };
  const ui = runAddress(session, runId(input.plan, input.scheduled));
  if (ui) cli.out.note(`Web UI of the run: ${ui}`);
  const view = cli.out.interactive ? terminalView() : plainView((line) => cli.out.note(line));
  try {
    const report = await runPlan({
      session,
      input,
      signal: cli.signal,
      interval: LOOK,
      onProgress: (sources) => view.update(sources),
      onCancelFailed: (error) => cli.out.note(`The run could not be cancelled and goes on: ${String(error)}`),
    });
    return { report, ui, milliseconds: Date.now() - started };
  } finally {
    await view.close();
  }
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
