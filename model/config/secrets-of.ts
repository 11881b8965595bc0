/** Every secret that a config names. */
import type { Secret } from './secret.ts';
import type { SiteConfig } from './site.ts';

export function secretsOf({ encryption, signing, sources }: SiteConfig): readonly Secret[] {
  const ofSources = Object.values(sources).flatMap((source) => {
    if (source.type === 'files') return [];
    return [source.connection.password, 'check' in source ? source.check?.password : undefined];
  });
  return [encryption.identity, signing.key, ...ofSources].filter((secret) => secret !== undefined);
}
