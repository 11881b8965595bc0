/**
 * The sources that no config names: on each host its own config, secrets, and keys of ssh and of signing are backed up with
 * every daily, so that a new machine is not set up from memory. Identities never are: they would lie beside what they open.
 */
import { coordinatorOf, hostNames } from './hosts.ts';
import { secretsOf } from './secrets-of.ts';
import { filesSource, type FilesSource } from './source.ts';
import type { SiteConfig } from './site.ts';

/** No source of a config has a name that begins so. */
export const OWN_PREFIX = 'mosaic-backup-';

export function isOwnSource(source: string): boolean {
  return source.startsWith(OWN_PREFIX);
}

/** The config with a source of its own for each host. @param file the config file, which every host has under one path or another. */
export function withOwnSources(config: SiteConfig, file: string): SiteConfig {
  const own = hostNames(config).map((host) => [`${OWN_PREFIX}${host}`, ownSource(config, file, host)] as const);
  return { ...config, sources: { ...config.sources, ...Object.fromEntries(own) } };
}

/** Those that stand in the file. */
export function namedSources<Source>(sources: Readonly<Record<string, Source>>): Readonly<Record<string, Source>> {
  return Object.fromEntries(Object.entries(sources).filter(([name]) => !isOwnSource(name)));
}

function ownSource(config: SiteConfig, file: string, host: string): FilesSource {
  const of = config.hosts === undefined && host === coordinatorOf(config) ? {} : { host };
  return filesSource.parse({
    type: 'files',
    group: 'configs',
    ...of,
    paths: [...new Set([file, ...secretFiles(config), ...publicFiles(config)])],
  });
}

/** Files that are no secret, and that a destination or Temporal cannot be reached without: known hosts of ssh, certificates. */
function publicFiles({ destinations, temporal }: SiteConfig): readonly string[] {
  const certificates = [temporal.tls?.ca, temporal.tls?.cert].filter((file) => file !== undefined);
  const ofDestinations = Object.values(destinations).flatMap((destination) =>
    Object.entries(destination).flatMap(([key, value]) =>
      (key === 'knownHosts' || key === 'ca') && typeof value === 'string' ? [value] : [],
    ),
  );
  return [...ofDestinations, ...certificates];
}

/** Every file that a secret is read from, but those of identities. */
function secretFiles(config: SiteConfig): readonly string[] {
  const identities = new Set([config.encryption.identity, config.plans.drill.secondIdentity]);
  return secretsOf(config).flatMap((secret) => (!identities.has(secret) && 'file' in secret ? [secret.file] : []));
}
