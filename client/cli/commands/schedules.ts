/** `schedules apply | list | pause | resume`: when plans run by themselves. */
import type { Command } from 'commander';
import type { Client } from '@temporalio/client';
import type { Site } from '../../../activities/site.ts';
import type { ListedSchedule } from '../../schedules/existing.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

export function registerSchedules(program: Command, cli: OpenCli): void {
  const schedules = program.command('schedules').description('when plans run by themselves: what Temporal has of it');
  const apply = schedules
    .command('apply')
    .description('make the schedules of this site in Temporal match the config; prints the difference first')
    .option('--dry-run', 'print the difference, and change nothing')
    .action((options: { readonly dryRun?: boolean }) => applyCommand(cli(), options.dryRun ?? false));
  const list = schedules
    .command('list')
    .description('list the schedules of this site with their next and last runs')
    .action(() => listCommand(cli()));
  const pause = schedules
    .command('pause')
    .description('pause all schedules of this site that run; what runs already goes on')
    .action(() => pauseCommand(cli(), true));
  const resume = schedules
    .command('resume')
    .description('let all paused schedules of this site run again')
    .action(() => pauseCommand(cli(), false));
  examples(apply, [
    ['schedules apply --dry-run', 'what would change'],
    ['schedules apply', 'after a change of plans in the config; "up" does it by itself'],
  ]);
  examples(pause, [['schedules pause', 'before work on the servers; nothing starts until they are resumed']]);
  examples(resume, [['schedules resume', 'all that are paused run again']]);
  examples(list, [['schedules list', 'when each plan is due next']]);
}

async function applyCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const [{ applyChanges, plannedChanges }, { inWords }] = await Promise.all([
    import('../../schedules/apply.ts'),
    import('../../schedules/difference.ts'),
  ]);
  const site = await cli.site();
  await withClient(cli, site, async (client) => {
    const changes = await plannedChanges(client, site.config);
    const lines = changes.map(inWords);
    // Before anything is changed, so that one who reads along sees what a broken connection has cut off.
    if (!dryRun) for (const line of lines) cli.out.note(line);
    if (!dryRun) await applyChanges(client, changes);
    const said = changes.map((change) => ({
      do: change.do,
      id: change.do === 'remove' ? change.before.id : change.wanted.id,
    }));
    cli.out.result({ dryRun, changes: said }, () => {
      if (changes.length === 0) return 'the schedules are as the config has them';
      return dryRun ? lines.join('\n') : `${changes.length} schedule(s) changed`;
    });
  });
}

async function listCommand(cli: Cli): Promise<void> {
  const [{ existingSchedules }, { wantedSchedules }, { formatDuration }] = await Promise.all([
    import('../../schedules/existing.ts'),
    import('../../schedules/wanted.ts'),
    import('../../../model/units.ts'),
  ]);
  const site = await cli.site();

  function row({ id, schedule, paused, next, lastRun, skipped, missed }: ListedSchedule): string[] {
    const every = schedule ? `every ${formatDuration(schedule.every)}` : 'changed by hand';
    return [id, every, paused ? 'paused' : (next ?? ''), lastRun ?? '', String(skipped), String(missed)];
  }

  await withClient(cli, site, async (client) => {
    const ids = wantedSchedules(site.config).map(({ id }) => id);
    const found = await existingSchedules(client, site.config.site, ids);
    cli.out.result({ schedules: found }, () => {
      if (found.length === 0) return 'no schedules: "mosaic-backup schedules apply" makes those of the config';
      return table(['schedule', 'when', 'next', 'last run', 'skipped', 'missed'], found.map(row), [
        'skipped',
        'missed',
      ]);
    });
  });
}

async function pauseCommand(cli: Cli, pause: boolean): Promise<void> {
  const [{ existingSchedules }, { wantedSchedules }, { pausing }] = await Promise.all([
    import('../../schedules/existing.ts'),
    import('../../schedules/wanted.ts'),
    import('../../schedules/pausing.ts'),
  ]);
  const site = await cli.site();
  await withClient(cli, site, async (client) => {
    const wanted = wantedSchedules(site.config).map(({ id }) => id);
    const found = await existingSchedules(client, site.config.site, wanted);
    const ids = found.filter(({ paused }) => paused !== pause).map(({ id }) => id);
    const schedules = pausing(client, site, `mosaic-backup schedules ${pause ? 'pause' : 'resume'}`);
    await (pause ? schedules.pause(ids) : schedules.resume(ids));
    cli.out.result({ paused: pause, schedules: ids }, () => {
      const what = pause ? 'paused' : 'running again';
      return ids.length === 0 ? 'nothing to change' : `${what}: ${ids.join(', ')}`;
    });
  });
}

/** @throws BackupError `unreachable` where no Temporal is configured, and none runs here. */
async function withClient(cli: Cli, site: Site, use: (client: Client) => Promise<void>): Promise<void> {
  const [{ configuredEndpoint, embeddedEndpoint }, { connectClient }, { ensureSearchAttributes }, { BackupError }] =
    await Promise.all([
      import('../../temporal/endpoint.ts'),
      import('../../runs/start.ts'),
      import('../../temporal/namespace.ts'),
      import('../../../model/errors.ts'),
    ]);
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) {
    throw new BackupError('unreachable', 'no Temporal is configured, and none runs here', {
      remedy: 'Set temporal.address in the config, or start "mosaic-backup up", which applies the schedules by itself.',
    });
  }
  await ensureSearchAttributes(endpoint);
  const client = await connectClient(endpoint);
  try {
    await use(client);
  } finally {
    await client.connection.close();
  }
}
