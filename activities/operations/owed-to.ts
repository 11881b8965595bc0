/** What a destination is to hold, by the config: what catch-up copies, status counts, and a whole place is compared with. */
import type { Manifest } from '../../model/manifest.ts';
import { keptUntil } from '../../model/retention/kept-until.ts';
import type { Tier } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { destinationsOf } from './plan-run.ts';

/** Logs go where daily or weekly backups go. */
const OF_LOGS: readonly Tier[] = ['daily', 'weekly'];

/** Whether a backup belongs at a destination: one whose time is over is owed to nobody, and would only be deleted again. */
export function isOwedTo(
  { config }: Pick<Site, 'config'>,
  destination: string,
  { tier, source, scheduled, started }: Pick<Manifest, 'tier' | 'source' | 'scheduled' | 'started'>,
  now = Date.now(),
): boolean {
  if (tier === null ? !takesLogs({ config }, destination) : !destinationsOf({ config }, tier).includes(destination))
    return false;
  // Where nothing is deleted, everything is to be everywhere.
  return !config.retention.prune || keptUntil({ config, destination, source, tier, scheduled, started }, now) !== null;
}

/** Whether logs go to a destination. */
export function takesLogs(site: Pick<Site, 'config'>, destination: string): boolean {
  return OF_LOGS.some((tier) => destinationsOf(site, tier).includes(destination));
}
