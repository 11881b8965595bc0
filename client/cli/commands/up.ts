/** `up`: everything on one machine, until ^C. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { untilInterrupted } from '../until-interrupted.ts';

export function registerUp(program: Command, cli: OpenCli): void {
  const up = program
    .command('up')
    .description('run Temporal (kept in a file), its Web UI, the schedules and a worker on this machine, until ^C')
    .action(() => upCommand(cli()));
  examples(up, [['up', 'then, elsewhere: mosaic-backup run daily']]);
}

async function upCommand(cli: Cli): Promise<void> {
  const [{ ownSession }, { applySchedules }, { requireShared }] = await Promise.all([
    import('../../runs/session.ts'),
    import('../../schedules/apply-site.ts'),
    import('../../temporal/shared.ts'),
  ]);
  const site = await cli.site();
  await requireShared(site, cli.env);
  const session = await ownSession({ site, openSite: cli.reopenSite, log: await cli.log() });
  const { endpoint, embedded } = session;
  try {
    await applySchedules(cli, site, session.client);
  } catch (error) {
    await session.close();
    throw error;
  }
  cli.out.result(
    { site: site.config.site, host: site.host, temporal: endpoint.connection.address, ui: endpoint.ui, embedded },
    () =>
      [
        `${site.config.site} is up on ${site.host}. Temporal: ${endpoint.connection.address}${embedded ? ' (embedded)' : ''}`,
        ...(endpoint.ui ? [`Web UI: ${endpoint.ui}`] : []),
        '^C ends it; runs that are under way go on at the next start.',
      ].join('\n'),
  );
  cli.interrupt.says('Stopping: short steps end, long ones are handed back, and go on at the next start …');
  try {
    await Promise.race([untilInterrupted(cli.signal), session.broken]);
  } finally {
    await session.close();
  }
}
