/** A connection to the Temporal that serves already, for commands that only ask or tell it something. */
import type { Client } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import { connectClient } from '../runs/start.ts';
import { configuredEndpoint, embeddedEndpoint } from '../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../temporal/namespace.ts';
import type { Cli } from './context.ts';

/** The Temporal that serves already; null where none is configured and none runs here. @throws BackupError `unreachable`. */
export async function servingClient(cli: Cli): Promise<Client | null> {
  const site = await cli.site();
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) return null;
  await ensureSearchAttributes(endpoint);
  return connectClient(endpoint);
}

/**
 * @param remedy what to do where none serves.
 * @throws BackupError `unreachable`.
 */
export async function withClient(cli: Cli, remedy: string, use: (client: Client) => Promise<void>): Promise<void> {
  const site = await cli.site();
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) throw new BackupError('unreachable', 'no Temporal is configured, and none runs here', { remedy });
  const client = await connectClient(endpoint);
  try {
    await use(client);
  } finally {
    await client.connection.close();
  }
}
