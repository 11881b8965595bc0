/** `worker`: this host's worker alone, on a Temporal that runs elsewhere. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { untilInterrupted } from '../until-interrupted.ts';

export function registerWorker(program: Command, cli: OpenCli): void {
  const worker = program
    .command('worker')
    .description('run this host\'s worker, on the configured Temporal or that of a running "up", until ^C')
    .action(() => workerCommand(cli()));
  examples(worker, [['worker --host stack1', 'the worker of one host of the site']]);
}

async function workerCommand(cli: Cli): Promise<void> {
  const [
    { startWorker },
    { configuredEndpoint, embeddedEndpoint },
    { ensureSearchAttributes },
    { ofClient },
    { BackupError },
    { taskQueues },
    { requireShared },
  ] = await Promise.all([
    import('../../../workers/worker.ts'),
    import('../../temporal/endpoint.ts'),
    import('../../temporal/namespace.ts'),
    import('../of-client.ts'),
    import('../../../model/errors.ts'),
    import('../../../model/run.ts'),
    import('../../temporal/shared.ts'),
  ]);
  const site = await cli.site();
  await requireShared(site, cli.env);
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) {
    throw new BackupError('unreachable', 'no Temporal is configured, and none runs here', {
      remedy: 'Set temporal.address in the config, or start "mosaic-backup up", which brings its own.',
    });
  }
  await ensureSearchAttributes(endpoint);
  const { connection, namespace } = endpoint;
  const settings = { connection, namespace, openSite: cli.reopenSite, ...ofClient, log: await cli.log() };
  const worker = await startWorker(settings);
  const queues = taskQueues(site.config.site, site.host);
  cli.out.result(
    { site: site.config.site, host: site.host, temporal: connection.address, namespace, queues },
    () => `the worker of ${site.host} serves ${site.config.site} at ${connection.address}`,
  );
  cli.interrupt.says('Stopping: short steps end, long ones are handed back, and go on with the next worker …');
  try {
    await Promise.race([untilInterrupted(cli.signal), worker.stopped]);
  } finally {
    await worker.stop();
  }
}
