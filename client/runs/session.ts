/** What a command that runs plans needs: a Temporal that serves and a worker on it, its own where there is none. */
import type { Client } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../../activities/site.ts';
import type { Logger } from '../../activities/work.ts';
import { BackupError } from '../../model/errors.ts';
import { startWorker, type RunningWorker } from '../../workers/worker.ts';
import { ofClient } from '../cli/of-client.ts';
import { startEmbedded, type EmbeddedTemporal } from '../temporal/embedded.ts';
import { configuredEndpoint, embeddedEndpoint, type Endpoint } from '../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../temporal/namespace.ts';
import { connectClient, hasWorker } from './start.ts';

export interface SessionOptions {
  readonly site: Site;
  /** Reads the config anew, for the worker's steps. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
}

export interface Session {
  readonly client: Client;
  readonly endpoint: Endpoint;
  /** True when this session started Temporal itself. */
  readonly embedded: boolean;
  /** Rejects when the own worker or the own Temporal ends by itself. */
  readonly broken: Promise<never>;
  /** Ends the own worker, then the own Temporal. */
  close(): Promise<void>;
}

/**
 * For `run`: a reachable Temporal with a worker, else an embedded one for the command's duration.
 * @throws BackupError `unreachable` when an address is set but no worker serves the site there.
 */
export async function openRunSession(options: SessionOptions): Promise<Session> {
  const { site } = options;
  const configured = configuredEndpoint(site);
  if (configured) return borrow(configured, site, 0);
  const deadline = Date.now() + OTHERS;
  for (;;) {
    const endpoint = await embeddedEndpoint(site);
    if (endpoint) return borrow(endpoint, site, deadline);
    try {
      return await ownSession(options);
    } catch (error) {
      // Another command is just starting its own here, which serves this one too, or is just ending it.
      if (!(error instanceof BackupError) || error.code !== 'busy' || Date.now() > deadline) throw error;
      await pause(200);
    }
  }
}

/** How long another command may take to start its Temporal and worker, in milliseconds. */
const OTHERS = 30_000;

/** @param deadline until when a worker may still come. */
async function borrow(endpoint: Endpoint, site: Site, deadline: number): Promise<Session> {
  const client = await connectClient(endpoint);
  // Its data may have been lost since the workers started, and with them what those had registered.
  await ensureSearchAttributes(endpoint);
  while (!(await hasWorker(client, endpoint.namespace, site.config.site))) {
    if (Date.now() < deadline) {
      await pause(200);
      continue;
    }
    await client.connection.close();
    throw new BackupError(
      'unreachable',
      `Temporal at ${endpoint.connection.address} has no worker for the site "${site.config.site}"`,
      {
        remedy: 'Start one with "mosaic-backup worker" on the host, or unset temporal.address to run everything here.',
      },
    );
  }
  return borrowed(client, endpoint);
}

/** For `up`: the configured Temporal or an embedded one, and a worker on this machine. */
export async function ownSession(options: SessionOptions): Promise<Session> {
  const { site, openSite, log } = options;
  const configured = configuredEndpoint(site);
  const server: EmbeddedTemporal | undefined = configured ? undefined : await startEmbedded(site, log);
  const endpoint = configured ?? server;
  if (!endpoint) throw new Error('neither configured nor embedded');
  let worker: RunningWorker | undefined;
  try {
    if (configured) await ensureSearchAttributes(configured);
    const { connection, namespace } = endpoint;
    worker = await startWorker({ connection, namespace, openSite, ...ofClient, log });
    const client = await connectClient(endpoint);
    return own(client, endpoint, worker, server);
  } catch (error) {
    await worker?.stop();
    await server?.stop();
    throw error;
  }
}

function borrowed(client: Client, endpoint: Endpoint): Session {
  return {
    client,
    endpoint,
    embedded: false,
    broken: new Promise<never>(() => {}),
    close: () => client.connection.close(),
  };
}

function own(client: Client, endpoint: Endpoint, worker: RunningWorker, server: EmbeddedTemporal | undefined): Session {
  const workerEnded = worker.stopped.then(() => new Promise<never>(() => {}));
  const broken = server ? Promise.race([workerEnded, server.ended]) : workerEnded;
  // Whoever waits hears it; between two that wait it is no failure that nobody looks at.
  broken.catch(() => undefined);
  return {
    client,
    endpoint,
    embedded: server !== undefined,
    broken,
    close: async () => {
      await client.connection.close();
      await worker.stop();
      await server?.stop();
    },
  };
}
