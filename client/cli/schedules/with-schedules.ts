/** The Temporal whose schedules a command looks at or changes. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../../activities/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { connectClient } from '../../runs/start.ts';
import { configuredEndpoint, embeddedEndpoint } from '../../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../../temporal/namespace.ts';
import type { Cli } from '../context.ts';

/** @throws BackupError `unreachable` where no Temporal is configured, and none runs here. */
export async function withSchedules(cli: Cli, site: Site, use: (client: Client) => Promise<void>): Promise<void> {
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
