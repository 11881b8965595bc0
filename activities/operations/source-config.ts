/** Looking up what the config says of a source. */
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';

/** @throws BackupError `not-found` with the names there are. */
export function sourceConfig(site: Site, source: string): SourceConfig {
  const config = site.config.sources[source];
  if (config) return config;
  throw new BackupError('not-found', `${site.file} has no source "${source}"`, {
    remedy: `Choose one of: ${Object.keys(site.config.sources).join(', ')}.`,
  });
}
