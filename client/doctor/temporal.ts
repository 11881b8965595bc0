/** Temporal: reachable where an address is set, else its program is here for the embedded server. */
import type { Site } from '../../activities/site.ts';
import { configuredEndpoint, embeddedEndpoint } from '../temporal/endpoint.ts';
import { temporalProgram } from '../temporal/program.ts';
import { ADDRESS, isSharedByNone } from '../temporal/shared.ts';
import { problem, type Seen } from './examine.ts';
import type { Finding } from '../../model/finding.ts';

/** Milliseconds to wait for a server. */
const PATIENCE = 5_000;

export async function examineTemporal(site: Site, env: NodeJS.ProcessEnv): Promise<Seen> {
  const configured = configuredEndpoint(site, env);
  const endpoint = configured ?? (await embeddedEndpoint(site));
  if (!endpoint) {
    const facts = `embedded, by ${await temporalProgram(env)}; "mosaic-backup up" is not running`;
    return { facts, findings: sharedByNone(site, env) };
  }
  const address = String(endpoint.connection.address);
  const { connectClient, hasWorker } = await import('../runs/start.ts');
  const client = await connectClient(endpoint);
  try {
    const served = await client.withDeadline(Date.now() + PATIENCE, () =>
      hasWorker(client, endpoint.namespace, site.config.site),
    );
    const where = `${address}, namespace ${endpoint.namespace}`;
    if (served) return { facts: `${where}, with a worker`, findings: sharedByNone(site, env) };
    const remedy = 'Start one on each host: mosaic-backup worker (or "up" on a single machine).';
    return {
      facts: where,
      findings: [
        {
          code: 'temporal.no-worker',
          severity: 'error',
          message: `no worker serves the site at ${address}`,
          remedy,
          subject: 'temporal',
        },
      ],
    };
  } finally {
    await client.connection.close();
  }
}

function sharedByNone(site: Site, env: NodeJS.ProcessEnv): readonly Finding[] {
  if (!isSharedByNone(site, env)) return [];
  const message =
    'no address of Temporal is set: the embedded one listens on loopback alone, and the other hosts of the site reach none';
  return [problem('temporal.not-shared', message, ADDRESS, 'temporal')];
}
