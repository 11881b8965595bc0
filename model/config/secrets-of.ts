/** Every secret that a config names. */
import { secretsOfAws } from './destinations/aws.ts';
import { secretsOfRsync } from './destinations/rsync.ts';
import type { Secret } from './secret.ts';
import type { SiteConfig } from './site.ts';

export function secretsOf({
  encryption,
  signing,
  sources,
  destinations,
  notify,
  watchdog,
  temporal,
  plans,
}: SiteConfig): readonly Secret[] {
  const ofSources = Object.values(sources).flatMap((source) => {
    if (source.type === 'files') return [];
    return [
      source.connection.password,
      'check' in source ? source.check?.password : undefined,
      'export' in source ? source.export?.password : undefined,
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
  const ofHooks = [daily, weekly, monthly, ...Object.values(custom), ...Object.values(sources)].flatMap(({ hooks }) =>
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
