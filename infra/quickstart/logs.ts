/** One shipping of logs: from here on the sample's databases can be restored to any moment. */
import type { Cli } from '../../client/cli/context.ts';
import { runPlan } from '../../client/runs/run-plan.ts';
import type { Session } from '../../client/runs/session.ts';
import type { Site } from '../../activities/site.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';

/** Milliseconds between two looks at the run. */
const LOOK = 500;

/** Ships what every source has by now. ^C cancels it. */
export function shipLogs(cli: Cli, session: Session, site: Site): Promise<RunReport> {
  return runPlan({
    session,
    input: { site: site.config.site, plan: 'logs', scheduled: wholeSeconds(Date.now()) },
    signal: cli.signal,
    interval: LOOK,
    onProgress: () => undefined,
    onCancelFailed: (error) => cli.out.note(`The run could not be cancelled and goes on: ${String(error)}`),
  });
}

/** Until when each source can be restored, in words, a line each. */
export function restorableUntil({ sources }: RunReport): readonly string[] {
  return sources.flatMap(({ source, logs }) =>
    logs?.coversUntil ? [`${source}: with its logs restorable to any moment up to ${logs.coversUntil}`] : [],
  );
}
