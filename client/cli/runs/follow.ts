/** A run from its start to its end, as the command line shows it. */
import { runId, type PlanInput } from '../../../model/run.ts';
import { fullsDue } from '../../runs/logs-result.ts';
import { runExitStatus, runProblems, runRetention } from '../../runs/result.ts';
import { othersEnded, runAddress, runPlan } from '../../runs/run-plan.ts';
import type { Session } from '../../runs/session.ts';
import { plainView, terminalView } from '../../runs/view.ts';
import { closingTable } from '../closing-table.ts';
import type { Cli } from '../context.ts';

/** Milliseconds between two looks at a run. */
const LOOK = 500;

/** Starts it, or joins it; ^C cancels it. The exit status tells how it ended. */
export async function follow(cli: Cli, session: Session, input: PlanInput): Promise<void> {
  const ui = runAddress(session, runId(input.plan, input.scheduled));
  if (ui) cli.out.note(`Web UI: ${ui}`);
  const view = cli.out.interactive ? terminalView() : plainView(cli.out.note);
  try {
    const report = await runPlan({
      session,
      input,
      signal: cli.signal,
      interval: LOOK,
      onProgress: (sources) => view.update(sources),
      onCancelFailed: (error) => cli.out.note(`The run could not be cancelled and goes on: ${String(error)}`),
    });
    await view.close();
    cli.out.result({ ...report, ui }, () =>
      [
        closingTable(input.plan, report),
        ...runProblems(report),
        ...runRetention(report),
        ...fullsDue(report),
        `${report.runId}: ${report.outcome}`,
      ].join('\n'),
    );
    cli.exitWith(runExitStatus(report));
    if (session.embedded) {
      let said = false;
      await othersEnded(session, report.runId, cli.signal, (count) => {
        if (!said) cli.out.note(`${count} other run(s) use this Temporal: staying until they end (^C leaves)`);
        said = true;
      });
    }
  } finally {
    await view.close();
  }
}
