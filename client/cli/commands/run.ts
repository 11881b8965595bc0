/** `run daily`: a run of a plan now, with live progress. */
import type { Command } from 'commander';
import type { Session } from '../../runs/session.ts';
import type { PlanInput } from '../../../model/run.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

interface RunOptions {
  readonly source?: readonly string[];
  readonly at?: string;
  readonly detach?: boolean;
  readonly dryRun?: boolean;
}

/** Milliseconds between two looks at a run. */
const LOOK = 500;

export function registerRun(program: Command, cli: OpenCli): void {
  const run = program
    .command('run')
    .description('run a plan now, with live progress; ^C cancels it cleanly')
    .argument('<plan>', 'the plan: daily')
    .option('--source <name>', 'only this source; may be given several times', several)
    .option('--at <time>', 'the scheduled time (RFC 3339): the same plan and time again does only what is missing')
    .option('--detach', 'start it and leave; needs a running "up" or a configured Temporal')
    .option('--dry-run', 'print what the run would do, and do nothing')
    .action((plan: string, options: RunOptions) => runCommand(cli(), plan, options));
  examples(run, [
    ['run daily', 'back up every source now'],
    ['run daily --source postgres', 'only one source'],
    ['run daily --at 2026-11-23T02:00:00Z', 'make up what the run of that time lacks'],
  ]);
}

async function runCommand(cli: Cli, plan: string, options: RunOptions): Promise<void> {
  const [{ planRun }, { scheduledTime, wholeSeconds }] = await Promise.all([
    import('../../../activities/operations/plan-run.ts'),
    import('../../../model/time.ts'),
  ]);
  const site = await cli.site();
  const input: PlanInput = {
    site: site.config.site,
    plan,
    scheduled: options.at === undefined ? wholeSeconds(Date.now()) : scheduledTime(options.at),
    ...(options.source ? { sources: options.source } : {}),
  };
  await refuseFuture(input.scheduled);
  // Wrong names fail here, before anything is started.
  const spec = planRun(site, input);
  if (options.dryRun) {
    cli.out.result({ dryRun: true, ...spec }, () =>
      table(
        ['source', 'phase', 'host', 'copies to'],
        spec.phases.flatMap(({ group, steps }) =>
          steps.map((step) => [step.source, group, step.host, step.destinations.join(', ')]),
        ),
      ),
    );
    return;
  }
  await runNow(cli, input, options.detach ?? false);
}

/** A backup of the future would be the newest until then: `latest` would give it rather than what is made meanwhile. */
async function refuseFuture(scheduled: string): Promise<void> {
  if (Date.parse(scheduled) <= Date.now()) return;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', `${scheduled} is still to come: a run is made now, or made up for a time that was.`, {
    remedy: 'Leave --at out to run now.',
  });
}

async function runNow(cli: Cli, input: PlanInput, detach: boolean): Promise<void> {
  const { openRunSession } = await import('../../runs/session.ts');
  const session = await openRunSession({ site: await cli.site(), openSite: cli.reopenSite, log: await cli.log() });
  try {
    await (detach ? startDetached(cli, session, input) : follow(cli, session, input));
  } finally {
    await session.close();
  }
}

async function startDetached(cli: Cli, session: Session, input: PlanInput): Promise<void> {
  const [{ startRun }, { runAddress }, { BackupError }] = await Promise.all([
    import('../../runs/start.ts'),
    import('../../runs/run-plan.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (session.embedded) {
    throw new BackupError('usage', '--detach needs a Temporal that goes on after this command', {
      remedy: 'Start "mosaic-backup up" first, or leave --detach out.',
    });
  }
  const { workflowId } = await startRun(session.client, input);
  const ui = runAddress(session, workflowId);
  cli.out.result({ run: workflowId, ui }, () => `${workflowId} started${ui ? `: ${ui}` : ''}`);
}

async function follow(cli: Cli, session: Session, input: PlanInput): Promise<void> {
  const [{ othersEnded, runAddress, runPlan }, { runId }, { plainView, terminalView }, result] = await Promise.all([
    import('../../runs/run-plan.ts'),
    import('../../../model/run.ts'),
    import('../../runs/view.ts'),
    import('../../runs/result.ts'),
  ]);
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
        table([...result.RUN_COLUMNS], result.runRows(report), ['stored', 'ratio', 'time']),
        ...result.runProblems(report),
        `${report.runId}: ${report.outcome}`,
      ].join('\n'),
    );
    cli.exitWith(result.runExitStatus(report));
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
