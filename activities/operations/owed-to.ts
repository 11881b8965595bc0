/** What a destination is to hold, by the config: what catch-up copies, status counts, and a whole place is compared with. */
import type { Manifest } from '../../model/manifest.ts';
import type { Tier } from '../../model/source.ts';
import type { Site } from '../site.ts';
import { destinationsOf } from './plan-run.ts';

/** Logs go where daily or weekly backups go. */
const OF_LOGS: readonly Tier[] = ['daily', 'weekly'];

/** Whether a backup belongs at a destination. */
export function isOwedTo(
  site: Pick<Site, 'config'>,
  destination: string,
  { tier }: Pick<Manifest, 'tier' | 'source' | 'scheduled' | 'started'>,
): boolean {
  return tier === null ? takesLogs(site, destination) : destinationsOf(site, tier).includes(destination);
}

/** Whether logs go to a destination. */
export function takesLogs(site: Pick<Site, 'config'>, destination: string): boolean {
  return OF_LOGS.some((tier) => destinationsOf(site, tier).includes(destination));
}
