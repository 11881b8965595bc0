/** A site of several hosts has one Temporal, that all of them reach. */
import type { Site } from '../../activities/site.ts';
import { coordinatorOf, hostNames } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { configuredEndpoint, embeddedEndpoint } from './endpoint.ts';

/**
 * Whether this host may bring a Temporal of its own: on any but the coordinator no run would be planned there, and none of the site's
 * steps would come there, while it looks as if all were well.
 * @throws BackupError `config` where it would.
 */
export async function requireShared(site: Site, env: NodeJS.ProcessEnv): Promise<void> {
  const { config, host } = site;
  const coordinator = coordinatorOf(config);
  if (host === coordinator || configuredEndpoint(site, env) || (await embeddedEndpoint(site))) return;
  throw new BackupError(
    'config',
    `the host "${host}" does not know which Temporal is the site's: a Temporal of its own would get none of its steps, which "${coordinator}" plans`,
    { remedy: ADDRESS, facts: { host, coordinator } },
  );
}

/** Whether other hosts of the site are left without a Temporal: the embedded one listens on loopback alone. */
export function isSharedByNone(site: Site, env: NodeJS.ProcessEnv): boolean {
  return hostNames(site.config).length > 1 && !configuredEndpoint(site, env);
}

export const ADDRESS =
  'Set temporal.address in the config of every host to a Temporal that all of them reach (docs/hosts.md, "Add a host"). Then on this one: mosaic-backup worker';
