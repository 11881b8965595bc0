/** The config of a recovery: what is left of a site's own when its machines are gone. */
import { effectiveConfig } from './show.ts';
import type { SiteConfig, SiteInput } from './site.ts';

/** Where the kit tells to save the identities. */
export const KIT_IDENTITY = '/root/identity.txt';

/**
 * A whole, valid config that `list`, `verify` and `restore` work with: the site's own without what only its machines
 * hold (the signing key, Temporal, notifiers). It makes no backup.
 * @param trusted public signing keys of the site.
 */
export function recoveryConfig(config: SiteConfig, trusted: readonly string[]): SiteInput {
  const { site, hosts, coordinator, repository, state, encryption, sources, destinations } = effectiveConfig(config);
  return {
    site,
    hosts,
    coordinator,
    repository,
    state,
    encryption: { recipients: encryption.recipients, identity: { file: KIT_IDENTITY } },
    signing: { trusted: [...trusted], revoked: config.signing.revoked },
    sources,
    destinations,
  };
}
