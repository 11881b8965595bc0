/** `run daily`, `run weekly`, `run logs`: a run of a plan now, with live progress. */
import type { Command } from 'commander';
import type { Session } from '../../runs/session.ts';
import type { Site } from '../../../activities/site.ts';
import type { PlanInput, SourceStep } from '../../../model/run.ts';
import { examples, several, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table, type Json } from '../output.ts';

export interface RunOptions {
  readonly source?: readonly string[];
  readonly at?: string;
  readonly detach?: boolean;
  readonly dryRun?: boolean;
}

/** Plans that always do all that is to be done now. */
const TICKS: ReadonlySet<string> = new Set(['logs', 'catch-up']);

export function registerRun(program: Command, cli: OpenCli): void {
  const run = program
    .command('run')
    .description('run a plan now, with live progress; ^C cancels it cleanly')
    .argument('<plan>', 'the plan: daily, weekly, monthly, logs, catch-up, restore-test, drill, or one of your own')
    .option('--source <name>', 'only this source; may be given several times', several)
    .option(
      '--at <time>',
      'the time of a run that had begun (RFC 3339): the same plan and time again does only what is missing',
    )
    .option('--detach', 'start it and leave; needs a running "up" or a configured Temporal')
    .option('--dry-run', 'print what the run would do, and do nothing')
    .action((plan: string, options: RunOptions) => runCommand(cli(), plan, options));
  examples(run, [
    ['run daily', 'back up every source now'],
    ['run daily --source postgres', 'only one source'],
    ['run weekly', 'a full of every source'],
    ['run monthly', 'archive the newest full of each source that is at most a week old'],
    ['run logs', 'ship WAL now, and copy what destinations lack'],
    ['run restore-test', 'restore a backup of each source into scratch, and check it'],
    ['run catch-up', 'copy now whatever destinations lack'],
    ['run daily --at 2026-11-23T02:00:00Z', 'make up what the run of that time lacks'],
  ]);
}

/** A run of a plan now, or what it would do. */
export async function runCommand(cli: Cli, plan: string, options: RunOptions): Promise<void> {
  const { scheduledTime, wholeSeconds } = await import('../../../model/time.ts');
  const site = await cli.site();
  const input: PlanInput = {
    site: site.config.site,
    plan,
    scheduled: options.at === undefined ? wholeSeconds(Date.now()) : scheduledTime(options.at),
    ...(options.source ? { sources: options.source } : {}),
  };
  await refuseFuture(input.scheduled);
  if (TICKS.has(plan) && options.at !== undefined) throw await isAlwaysNow(plan);
  // Wrong names fail here, before anything is started.
  const planned = await planOf(site, input);
  if (options.at !== undefined) await requireOwnTime(cli, input);
  if (options.dryRun) {
    cli.out.result({ dryRun: true, ...planned.spec }, () => table(planned.columns, planned.rows));
    return;
  }
  await runNow(cli, input, options.detach ?? false);
}

interface Planned {
  readonly spec: Json;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a run would do. @throws BackupError for a plan or a source that there is not. */
async function planOf(site: Site, input: PlanInput): Promise<Planned> {
  const { requirePlan } = await import('../../runs/start.ts');
  const plan = requirePlan(site.config, input.plan);
  if (plan === 'catch-up') {
    const { planCatchUp } = await import('../../../activities/operations/catch-up/plan.ts');
    const spec = planCatchUp(site, input);
    if (spec.steps.length === 0) throw await noDestinations(site);
    const rows = spec.steps.map(({ destination, host }) => [destination, host]);
    return { spec: { ...spec }, columns: ['destination', 'from'], rows };
  }
  const columns = ['source', 'phase', 'host', 'copies to'];
  if (plan === 'logs') {
    const { planLogs } = await import('../../../activities/operations/plan-logs.ts');
    const spec = planLogs(site, input);
    if (spec.steps.length === 0) throw await noLogs(site);
    return { spec: { ...spec }, columns, rows: spec.steps.map((step) => rowOf(step, 'logs')) };
  }
  if (plan === 'restore-test') {
    const { planTest } = await import('../../../activities/operations/proof/plan.ts');
    const spec = planTest(site, input);
    return {
      spec: { ...spec },
      columns: ['source', 'restored on'],
      rows: spec.steps.map((step) => [step.source, step.host]),
    };
  }
  if (plan === 'drill') {
    const { planDrill } = await import('../../../activities/operations/drill/plan.ts');
    const spec = planDrill(site, input);
    const rows = spec.steps.map(({ source, after }) => [source, spec.scenario, spec.host, after.join(', ')]);
    return { spec: { ...spec }, columns: ['source', 'scenario', 'recovered on', 'after'], rows };
  }
  const { planRun } = await import('../../../activities/operations/plan-run.ts');
  const spec = planRun(site, input);
  return {
    spec: { ...spec },
    columns,
    rows: spec.phases.flatMap(({ group, steps }) => steps.map((step) => rowOf(step, group))),
  };
}

function rowOf(step: Pick<SourceStep, 'source' | 'host' | 'destinations'>, phase: string): readonly string[] {
  return [step.source, phase, step.host, step.destinations.join(', ')];
}

async function noLogs({ file }: Site): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  return new BackupError('config', 'no source of the site ships logs', {
    remedy: `PostgreSQL and MariaDB sources do, where logs.enabled is not false: look at ${file}.`,
  });
}

async function noDestinations({ file }: Site): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  return new BackupError('config', 'the site has no destinations: there is nothing to catch up with', {
    remedy: `Name at least one under destinations in ${file}.`,
  });
}

async function isAlwaysNow(plan: string): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  const does = plan === 'logs' ? 'logs are always shipped up to now' : 'catch-up always copies all that is lacking now';
  return new BackupError('usage', `${does}: there is nothing to make up for another time`, {
    remedy: 'Leave --at out.',
  });
}

/** A backup of the future would be the newest until then: `latest` would give it rather than what is made meanwhile. */
async function refuseFuture(scheduled: string): Promise<void> {
  if (Date.parse(scheduled) <= Date.now()) return;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', `${scheduled} is still to come: a run is made now, or made up for a time that was.`, {
    remedy: 'Leave --at out to run now.',
  });
}

async function requireOwnTime(cli: Cli, input: PlanInput): Promise<void> {
  const [past, { servingClient }] = await Promise.all([import('../../runs/past.ts'), import('../with-client.ts')]);
  await past.requireOwnTime(await cli.site(), input, () => servingClient(cli));
}

/** A run now, whatever of: with live progress, or left to itself. */
export async function runNow(cli: Cli, input: PlanInput, detach: boolean): Promise<void> {
  const [{ openRunSession }, { requireShared }] = await Promise.all([
    import('../../runs/session.ts'),
    import('../../temporal/shared.ts'),
  ]);
  const site = await cli.site();
  await requireShared(site, cli.env);
  const session = await openRunSession({ site, openSite: cli.reopenSite, log: await cli.log() });
  try {
    await (detach
      ? startDetached(cli, session, input)
      : (await import('../runs/follow.ts')).follow(cli, session, input));
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
    throw input.plan === 'drill'
      ? new BackupError('usage', 'a drill that nobody waits for needs a Temporal that goes on after this command', {
          remedy: 'Start "mosaic-backup up" first, or add --wait.',
        })
      : new BackupError('usage', '--detach needs a Temporal that goes on after this command', {
          remedy: 'Start "mosaic-backup up" first, or leave --detach out.',
        });
  }
  const { workflowId } = await startRun(session.client, input);
  const ui = runAddress(session, workflowId);
  cli.out.result({ run: workflowId, ui }, () => `${workflowId} started${ui ? `: ${ui}` : ''}`);
}
