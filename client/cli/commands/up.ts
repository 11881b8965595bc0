/** `up`: everything on one machine, until ^C. */
import type { Command } from 'commander';
import type { Site } from '../../../activities/site.ts';
import type { Session } from '../../runs/session.ts';
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
  const { ownSession } = await import('../../runs/session.ts');
  const site = await cli.site();
  const session = await ownSession({ site, openSite: cli.reopenSite, log: await cli.log() });
  const { endpoint, embedded } = session;
  try {
    await applySchedules(cli, site, session);
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
  try {
    await Promise.race([untilInterrupted(cli.signal), session.broken]);
  } finally {
    await session.close();
  }
}

/** The schedules as the config has them: what an embedded Temporal has lost is back then. One host does it for all. */
async function applySchedules(cli: Cli, site: Site, { client }: Session): Promise<void> {
  const [{ applyChanges, plannedChanges }, { inWords }, { coordinatorOf }] = await Promise.all([
    import('../../schedules/apply.ts'),
    import('../../schedules/difference.ts'),
    import('../../../model/config/hosts.ts'),
  ]);
  if (coordinatorOf(site.config) !== site.host) return;
  const changes = await plannedChanges(client, site.config);
  for (const change of changes) cli.out.note(`schedule ${inWords(change)}`);
  await applyChanges(client, changes);
}
