/** The secrets that a config names. */
import { secretsOfAws } from './destinations/aws.ts';
import { secretsOfRsync } from './destinations/rsync.ts';
import { coordinatorOf, hostOf } from './hosts.ts';
import type { Secret } from './secret.ts';
import type { SiteConfig } from './site.ts';

/** @param host only those that are read on this host; absent: all. */
export function secretsOf(config: SiteConfig, host?: string): readonly Secret[] {
  const { encryption, signing, destinations, notify, watchdog, temporal, plans } = config;
  const sources = Object.entries(config.sources)
    .filter(([name]) => host === undefined || hostOf(config, name) === host)
    .map(([, source]) => source);
  const ofSources = sources.flatMap((source) => {
    if (source.type === 'files') return [];
    return [
      source.connection.password,
      'check' in source ? source.check?.password : undefined,
      'export' in source ? source.export?.password : undefined,
      source.canary?.password,
    ];
  });
  const ofDestinations = Object.values(destinations).flatMap((destination) =>
    destination.type === 'rsync'
      ? secretsOfRsync(destination)
      : destination.type === 'directory'
        ? []
        : secretsOfAws(destination),
  );
  const ofNotifiers = notify.map((notifier) =>
    notifier.type === 'webhook' && typeof notifier.url !== 'string' ? notifier.url : undefined,
  );
  const { daily, weekly, monthly, custom } = plans;
  const ofPlans = host === undefined || host === coordinatorOf(config);
  const hooked = [...(ofPlans ? [daily, weekly, monthly, ...Object.values(custom)] : []), ...sources];
  const ofHooks = hooked.flatMap(({ hooks }) =>
    [...(hooks?.before ?? []), ...(hooks?.after ?? [])].map((hook) =>
      'webhook' in hook && typeof hook.webhook !== 'string' ? hook.webhook : undefined,
    ),
  );
  const ping = typeof watchdog.ping === 'string' ? undefined : watchdog.ping;
  return [
    encryption.identity,
    signing.key,
    ...ofSources,
    ...ofDestinations,
    ...ofNotifiers,
    ...ofHooks,
    ping,
    temporal.tls?.key,
    temporal.apiKey,
  ].filter((secret) => secret !== undefined);
}
