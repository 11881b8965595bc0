/** Whether a backup of each source of this host was restored not too long ago: by the evidence beside the backups, whatever Temporal says. */
import type { Site } from '../../activities/site.ts';
import type { Condition } from '../../model/alert.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { readOverview, type Overview } from '../backups/overview.ts';
import { proofFindings, provenAt } from '../backups/proof.ts';
import { lookedAt, type Look } from './look.ts';

/**
 * Destinations are only asked where the repository knows of no proof that is young enough: most looks need no network.
 * @throws BackupError where the repository is not there; `unreachable` where a place that may have a proof could not be asked.
 */
export async function lookAtProofs(site: Site, now: number): Promise<Look> {
  const { restoreTest } = site.config.plans;
  if (!restoreTest.enabled) return lookedAt(['proof-stale'], []);
  const tested = restoreTest.sources ?? Object.keys(site.config.sources);
  const own = tested.filter((name) => hostOf(site.config, name) === site.host);
  const here = await readOverview(site, null, { alone: true, logs: false });
  const doubtful = stale(site, { sources: own, overview: here, now });
  if (doubtful.length === 0) return lookedAt(['proof-stale'], []);
  const everywhere = await readOverview(site, undefined, { logs: false });
  const found = stale(site, { sources: doubtful.map(({ source }) => source ?? ''), overview: everywhere, now });
  if (found.length > 0) requireAll(site, everywhere);
  return lookedAt(['proof-stale'], found);
}

interface Asked {
  readonly sources: readonly string[];
  readonly overview: Overview;
  readonly now: number;
}

function stale(site: Site, { sources, overview, now }: Asked): readonly Condition[] {
  return sources.flatMap((source) => {
    const entries = overview.entries.filter((entry) => entry.source === source && entry.backup.name.tier !== null);
    const since = entries.map(({ backup }) => backup.manifest.started).toSorted()[0] ?? null;
    return proofFindings(site, { source, proven: provenAt(entries, now), since }, now).map(({ message, remedy }) => ({
      alert: 'proof-stale' as const,
      key: `proof-stale/${source}`,
      source,
      host: site.host,
      message: `${message}. Whether it could be restored today is not known.`,
      remedy: `${remedy} restores one now, or says what is wrong.`,
      once: false,
    }));
  });
}

/** A proof that lies where nobody could look is not missing. */
function requireAll({ config }: Site, { places }: Overview): void {
  const unseen = Object.entries(config.destinations)
    // A removable disk is away most of the time, as it should be.
    .filter(([name, of]) => !places.includes(name) && !('removable' in of && of.removable))
    .map(([name]) => name);
  if (unseen.length === 0) return;
  throw new BackupError('unreachable', `it may have been proven at ${unseen.join(', ')}, which cannot be reached.`, {
    remedy: 'mosaic-backup status says why.',
  });
}
