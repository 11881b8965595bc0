/** One address for Prometheus: the SDK's metrics, and those of the backups. Reading them changes nothing, and asks for no password. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { siteMetrics } from '../activities/operations/metrics/index.ts';
import type { Site } from '../activities/site.ts';
import type { Logger } from '../activities/work.ts';
import { listenOf } from '../model/config/worker.ts';
import { BackupError } from '../model/errors.ts';
import { exposition } from '../model/metrics.ts';

export interface MetricsServer {
  close(): Promise<void>;
}

export interface MetricsOptions {
  /** `127.0.0.1:9464` */
  readonly listen: string;
  /** Where the SDK's own exporter listens, on this machine alone; null where it has none. */
  readonly sdk: string | null;
  /** Reads the config anew. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
}

/** Milliseconds that what was computed counts: two Prometheus servers cost no more than one. */
const FRESH = 10_000;

/** @throws BackupError `busy` where something listens there already, `config` where it cannot be listened on. */
export async function serveMetrics({ listen, sdk, openSite, log }: MetricsOptions): Promise<MetricsServer> {
  let last: { readonly at: number; readonly text: Promise<string> } | undefined;

  function own(): Promise<string> {
    if (last === undefined || Date.now() - last.at > FRESH)
      last = { at: Date.now(), text: openSite().then(siteMetrics).then(exposition) };
    return last.text;
  }

  async function answer(response: ServerResponse): Promise<void> {
    try {
      const [ours, theirs] = await Promise.all([own(), sdkMetrics(sdk)]);
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(ours + theirs);
    } catch (error) {
      last = undefined;
      // A config that is just being edited, most often. Prometheus then knows that it has no answer.
      log.warn({ error: error instanceof Error ? error.message : String(error) }, 'the metrics could not be computed');
      response.writeHead(500).end('the metrics could not be computed; the log of the worker says why\n');
    }
  }

  const server = createServer((request, response) => {
    const { method, url } = request;
    if ((method === 'GET' || method === 'HEAD') && url?.split('?')[0] === '/metrics') void answer(response);
    else response.writeHead(404).end('/metrics\n');
  });
  await listening(server, listen);
  return {
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function sdkMetrics(address: string | null): Promise<string> {
  if (address === null) return '';
  const response = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(5000) });
  return response.text();
}

async function listening(server: Server, listen: string): Promise<void> {
  server.listen(listenOf(listen));
  try {
    await once(server, 'listening');
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new BackupError(
      taken ? 'busy' : 'config',
      `the metrics cannot be served at ${listen}${taken ? ': something listens there already' : ''}`,
      {
        remedy: 'Set another address: metrics.listen, or hosts.<name>.metrics.listen.',
        cause: error,
      },
    );
  }
}
