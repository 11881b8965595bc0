/** `runs list | show | retry | skip | cancel`: what runs, what waits, and what to do about it. */
import type { Client } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

interface ListOptions {
  readonly plan?: string;
  readonly limit: number;
}

interface DecideOptions {
  readonly step?: string;
  readonly reason?: string;
}

export function registerRuns(program: Command, cli: OpenCli): void {
  const runs = program.command('runs').description('what runs, what waits, and what to do about it');
  const list = runs
    .command('list')
    .description('list runs, newest first; those that Temporal has lost by their recovery points')
    .option('--plan <plan>', 'only of this plan; logs and catch-up are listed when they are named')
    .option('--limit <number>', 'so many at most', positiveNumber, 30)
    .action((options: ListOptions) => listCommand(cli(), options));
  const show = runs
    .command('show')
    .description('show the steps of a run, live on a terminal while it goes on; ^C only stops watching')
    .argument('<run>', 'as `runs list` names it', named)
    .action((run: string) => showCommand(cli(), run));
  const retry = runs
    .command('retry')
    .description('try a waiting step again now; a run that has ended is run again, and does only what is missing')
    .argument('<run>', 'as `runs list` names it', named)
    .option(
      '--step <id>',
      'this step, as `runs show` names what waits (postgres/copy/vault); all that wait when left out. Of a run that has ended, its source alone',
    )
    .action((run: string, options: DecideOptions) => retryCommand(cli(), run, options));
  const skip = runs
    .command('skip')
    .description('skip a waiting step: the run goes on without it, and ends partial')
    .argument('<run>', 'as `runs list` names it', named)
    .requiredOption('--step <id>', 'the step, as `runs show` names what waits')
    .option('--reason <text>', 'why, for the report of the run')
    .action((run: string, options: DecideOptions) => decideCommand(cli(), run, 'skip', options));
  const cancel = runs
    .command('cancel')
    .description('cancel a run: its steps end and clean up, and what is sealed stays')
    .argument('<run>', 'as `runs list` names it', named)
    .action((run: string) => cancelCommand(cli(), run));
  examples(list, [
    ['runs list', 'the last runs, and which of them wait'],
    ['runs list --plan logs --limit 5', 'the last ticks of log shipping'],
  ]);
  examples(show, [['runs show daily-2026-11-23T02:00:00Z', 'every step, with what to do about those that wait']]);
  examples(retry, [
    ['runs retry daily-2026-11-23T02:00:00Z --step postgres/copy/vault', 'now, and not after its pause'],
    ['runs retry daily-2026-11-23T02:00:00Z', 'all that wait; or, of a run that has ended, what is missing'],
  ]);
  examples(skip, [
    ['runs skip daily-2026-11-23T02:00:00Z --step wiki/capture --reason "moved today"', 'the others go on'],
  ]);
  examples(cancel, [['runs cancel daily-2026-11-23T02:00:00Z', 'nothing half-made is kept']]);
}

function named(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Name one, as `mosaic-backup runs list` does.');
  return text;
}

function positiveNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Write a whole number above zero.');
  return Number(text);
}

async function openClient(cli: Cli): Promise<Client | null> {
  const { servingClient } = await import('../with-client.ts');
  return servingClient(cli);
}

interface Opened {
  readonly client: Client | null;
  /** Why the one that is configured cannot be asked; null where it can, or none is. */
  readonly away: Error | null;
}

/** For what recovery points tell of as well: also where Temporal does not answer. */
async function openIfThere(cli: Cli): Promise<Opened> {
  const { BackupError } = await import('../../../model/errors.ts');
  try {
    return { client: await openClient(cli), away: null };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'unreachable') throw error;
    return { client: null, away: error };
  }
}

async function listCommand(cli: Cli, { plan, limit }: ListOptions): Promise<void> {
  const [{ listRuns }, { readOverview }] = await Promise.all([
    import('../../runs/list.ts'),
    import('../../backups/overview.ts'),
  ]);
  const site = await cli.site();
  const { client, away } = await openIfThere(cli);
  if (!client) cli.out.note(`${away?.message ?? 'no Temporal runs here'}: these are the recovery points of runs`);
  try {
    const { recoveryPoints } = await readOverview(site);
    const runs = await listRuns(client, recoveryPoints, { site: site.config.site, plan, limit });
    cli.out.result({ runs }, () => {
      if (runs.length === 0) return 'no runs: "mosaic-backup run daily" makes one';
      const rows = runs.map(({ id, state, started, ended, waiting }) => [
        id,
        state,
        started ?? '',
        ended ?? '',
        waiting.join(', '),
      ]);
      return table(['run', 'state', 'started', 'ended', 'waiting'], rows);
    });
  } finally {
    await client?.connection.close();
  }
}

async function showCommand(cli: Cli, run: string): Promise<void> {
  const [{ readGraph }, { graphText, liveText }, { redrawer, rowsOf }, { setTimeout: pause }] = await Promise.all([
    import('../../runs/graph.ts'),
    import('../runs/graph-text.ts'),
    import('../runs/draw.ts'),
    import('node:timers/promises'),
  ]);
  cli.interrupt.says('It is watched no longer …');
  const { client, away } = await openIfThere(cli);
  try {
    let graph = client && (await readGraph(client, run));
    if (!client || !graph) return await showPoint(cli, run, { client, away });
    const draw = redrawer(process.stderr);
    while (cli.out.interactive && graph.state === 'running' && !cli.signal.aborted) {
      draw(liveText(graph, Date.now(), rowsOf(process.stderr)));
      await pause(LOOK, undefined, { signal: cli.signal }).catch(() => undefined);
      graph = (await readGraph(client, run)) ?? graph;
    }
    if (cli.out.interactive) draw('');
    const last = graph;
    cli.out.result({ ...last }, () => graphText(last, Date.now()));
  } finally {
    await client?.connection.close();
  }
}

/** Milliseconds between two looks at a run. */
const LOOK = 500;

async function showPoint(cli: Cli, run: string, { client, away }: Opened): Promise<void> {
  const [{ pointText }, { readOverview }] = await Promise.all([
    import('../runs/point-text.ts'),
    import('../../backups/overview.ts'),
  ]);
  const { recoveryPoints } = await readOverview(await cli.site());
  const point = recoveryPoints.find(({ id }) => id === run);
  if (!point) throw away ?? (await noRun(run, client !== null));
  cli.out.result({ recoveryPoint: point }, () => pointText(point, client !== null));
}

/** @param isAsked whether a Temporal was there to ask. */
async function noRun(run: string, isAsked: boolean): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  if (!isAsked)
    return new BackupError(
      'unreachable',
      `there is no recovery point of ${run}, and no Temporal runs here that would know the run`,
      {
        remedy: 'Start it: mosaic-backup up. A run that was cut off goes on with it, and is then shown.',
      },
    );
  return new BackupError('not-found', `there is no run ${run}, and no recovery point of one`, {
    remedy: 'mosaic-backup runs list names those that there are.',
  });
}

/** Of a run that goes on, the steps that wait; of one that has ended, what is missing of it or of one source, by the same plan and time again. */
async function retryCommand(cli: Cli, run: string, options: DecideOptions): Promise<void> {
  const [
    { askedOf, askedByPoint, endedDrill, isDrill, onlyOfStep, withAll },
    { openRunSession },
    { follow },
    { readOverview },
    { requireShared },
    { RESTORE_ID },
  ] = await Promise.all([
    import('../../runs/again.ts'),
    import('../../runs/session.ts'),
    import('../runs/follow.ts'),
    import('../../backups/overview.ts'),
    import('../../temporal/shared.ts'),
    import('../../runs/start.ts'),
  ]);
  const site = await cli.site();
  const client = await openClient(cli);
  const known = client && (await askedOf(client, site.config.site, run));
  await client?.connection.close();
  if (known?.running || run.startsWith(RESTORE_ID)) return decideCommand(cli, run, 'retry', options);
  if (isDrill(run)) throw endedDrill(run);
  const { recoveryPoints } = await readOverview(site);
  const asked = known
    ? withAll(known.input, site.config, recoveryPoints, run)
    : askedByPoint(site.config, recoveryPoints, run);
  if (!asked) throw await noRun(run, client !== null);
  const input = options.step === undefined ? asked : onlyOfStep(asked, run, options.step);
  await requireShared(site, cli.env);
  const session = await openRunSession({ site, openSite: cli.reopenSite, log: await cli.log() });
  try {
    await follow(cli, session, input);
  } finally {
    await session.close();
  }
}

async function decideCommand(cli: Cli, run: string, what: 'retry' | 'skip', options: DecideOptions): Promise<void> {
  const { decideOn } = await import('../../runs/decide.ts');
  await withServing(cli, async (client) => {
    const done = await decideOn(client, run, what, { ...options });
    cli.out.result({ run, done }, () => done);
  });
}

async function cancelCommand(cli: Cli, run: string): Promise<void> {
  const { cancelRun } = await import('../../runs/decide.ts');
  cli.interrupt.says('It is not waited for any longer, and cancelled all the same …');
  const { site } = (await cli.site()).config;
  await withServing(cli, async (client) => {
    const waiting = setTimeout(
      () => cli.out.note(`${run} is to end: its steps clean up, those of a host that is away when it is back`),
      SOON,
    );
    const cancelled = await cancelRun(client, run, { site, signal: cli.signal }).finally(() => clearTimeout(waiting));
    if (cancelled) cli.out.result({ run, cancelled }, () => `${run} is cancelled; what it had sealed stays`);
  });
}

/** After so many milliseconds somebody wants to know what is waited for. */
const SOON = 5_000;

/** @throws BackupError `unreachable` where no Temporal serves: nothing goes on then. */
async function withServing(cli: Cli, use: (client: Client) => Promise<void>): Promise<void> {
  const { withClient } = await import('../with-client.ts');
  await withClient(cli, 'A run that has ended is run again by: mosaic-backup runs retry RUN', use);
}
