/** Whether a drill has succeeded of late: by the records in the repository of the coordinator, whatever Temporal says. */
import { readDrills } from '../../activities/operations/drill/read.ts';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import type { Site } from '../../activities/site.ts';
import { readRecoveryPoints } from '../../activities/storage/recovery-points.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { coordinatorOf } from '../../model/config/hosts.ts';
import { isDrilled } from '../../model/drill/whole.ts';
import { firstOf } from '../backups/first-run.ts';
import { staleDrills } from '../backups/drills.ts';
import { lookedAt, type Look } from './look.ts';

/** @throws BackupError where the repository is not there. */
export async function lookAtDrills(site: Site, now: number): Promise<Look> {
  const { config, host } = site;
  // The coordinator signs them, so that no other host's watchdog need wait for a network.
  if (!isDrilled(config) || host !== coordinatorOf(config)) return lookedAt(['drill-stale'], []);
  // Before anything else begins: what fails while nobody waits for it ends the process, and with it every other look.
  const store = await openRepository(site);
  const trusted = await trustedKeys(site);
  const [{ read: drills }, points] = await Promise.all([readDrills(site, null), readRecoveryPoints(store, trusted)]);
  const stale = staleDrills(site, { drills, since: firstOf(points.read), now });
  if (stale === null) return lookedAt(['drill-stale'], []);
  const message = `${stale.message.charAt(0).toUpperCase()}${stale.message.slice(1)}.`;
  const condition = { alert: 'drill-stale', key: 'drill-stale', source: null, host, once: false } as const;
  return lookedAt(['drill-stale'], [{ ...condition, message, remedy: stale.remedy }]);
}
