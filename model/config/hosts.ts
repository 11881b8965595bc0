/** Which hosts a site has, and which of them does what. */
import type { SiteConfig } from './site.ts';

/** The host of a site that names none: its one machine. */
const SOLE_HOST = 'local';

interface Hosts {
  readonly hosts?: Readonly<Record<string, unknown>> | undefined;
  readonly coordinator?: string | undefined;
}

/** The names of a site's hosts; never empty. */
export function hostNames({ hosts, coordinator }: Hosts): readonly string[] {
  const names = Object.keys(hosts ?? {});
  return names.length > 0 ? names : [coordinator ?? SOLE_HOST];
}

/** The host that reads the config at the start of a run and signs recovery points. */
export function coordinatorOf(config: Hosts): string {
  return config.coordinator ?? hostNames(config)[0] ?? SOLE_HOST;
}

/** The host that captures a source. A config with several hosts names it for each source. */
export function hostOf(config: SiteConfig, source: string): string {
  return config.sources[source]?.host ?? coordinatorOf(config);
}

/** A host's own repository and state folders. */
export function foldersOf(config: SiteConfig, host: string): { readonly repository: string; readonly state: string } {
  const own = config.hosts?.[host];
  return { repository: own?.repository ?? config.repository, state: own?.state ?? config.state };
}

/** How a host's worker is set up. @param cores of this machine. */
export function workerOf(
  { hosts, worker, metrics }: Pick<SiteConfig, 'hosts' | 'worker' | 'metrics'>,
  host: string,
  cores: number,
): { readonly captures: number; readonly grace: number; readonly listen: string | null } {
  const own = hosts?.[host];
  return {
    captures: own?.captures ?? worker.captures ?? Math.max(2, Math.min(8, cores)),
    grace: worker.grace,
    listen: (own?.metrics ?? metrics)?.listen ?? null,
  };
}
