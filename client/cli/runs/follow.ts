/** A run from its start to its end, as the command line shows it. */
import { backupPlan } from '../../../model/plans.ts';
import type { SiteConfig } from '../../../model/config/site.ts';
import { runId, type PlanInput, type RunReport } from '../../../model/run.ts';
import { fullsDue } from '../../runs/logs-result.ts';
import { runExitStatus, runProblems, runRetention } from '../../runs/result.ts';
import { othersEnded, runAddress, runPlan } from '../../runs/run-plan.ts';
import type { Session } from '../../runs/session.ts';
import { plainView, terminalView } from '../../runs/view.ts';
import { closingTable } from '../closing-table.ts';
import type { Cli } from '../context.ts';

/** Milliseconds between two looks at a run. */
const LOOK = 500;

export interface WatchedRun {
  readonly report: RunReport;
  /** Address in the Web UI; null where none is known. */
  readonly ui: string | null;
}

/** Starts it, or joins it, and shows how far it is until it has ended; ^C cancels it. */
export async function watchRun(cli: Cli, session: Session, input: PlanInput): Promise<WatchedRun> {
  const ui = runAddress(session, runId(input.plan, input.scheduled));
  if (ui) cli.out.note(`Web UI of the run: ${ui}`);
  const view = cli.out.interactive ? terminalView() : plainView(cli.out.note);
  try {
    const report = await runPlan({
      session,
      input,
      signal: cli.signal,
      interval: LOOK,
      onProgress: (sources) => view.update(sources),
      onTurn: () =>
        cli.out.note(
          `${runId(input.plan, input.scheduled)} waits for its turn: another run of the plan "${input.plan}" goes on (mosaic-backup runs list). ^C cancels this one`,
        ),
      onUnplanned: ({ message, remedy }) => {
        cli.out.note(`${runId(input.plan, input.scheduled)} is not planned yet: ${message}`);
        if (remedy !== null) cli.out.note(`  What to do: ${remedy}`);
      },
      onCancelFailed: (error) => cli.out.note(`The run could not be cancelled and goes on: ${String(error)}`),
    });
    return { report, ui };
  } finally {
    await view.close();
  }
}

/** As `watchRun`, and tells its report. The exit status tells how it ended. */
export async function follow(cli: Cli, session: Session, input: PlanInput): Promise<void> {
  const { report, ui } = await watchRun(cli, session, input);
  const { config } = await cli.site();
  cli.out.result({ ...report, ui }, () =>
    [
      closingTable(input.plan, report),
      ...runProblems(report),
      ...runRetention(report),
      ...fullsDue(report),
      `${report.runId}: ${report.outcome}`,
      ...whatIsLeft(config, input.plan, report),
    ].join('\n'),
  );
  cli.exitWith(runExitStatus(report));
  if (!session.embedded) return;
  let said = false;
  await othersEnded(session, report.runId, cli.signal, (count) => {
    if (!said) cli.out.note(`${count} other run(s) use this Temporal: staying until they end (^C leaves)`);
    said = true;
  });
}

/** What ships, copies and tests by itself does what is missing the next time. */
function whatIsLeft(config: SiteConfig, plan: string, { runId: run, sources, errors }: RunReport): readonly string[] {
  const failed = errors.length > 0 || sources.some((source) => source.errors.length > 0);
  if (!failed || backupPlan(config, plan) === undefined) return [];
  return [`When that is mended, what is missing is done by: mosaic-backup runs retry ${run}`];
}
