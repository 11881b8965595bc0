/** What a runbook is made of, besides the drills: the config, what its newest backups need, who signs. */
import { stat } from 'node:fs/promises';
import { stringify } from 'yaml';
import { KIT_IDENTITY, recoveryConfig } from '../../../model/config/recovery-config.ts';
import { readableFirst } from '../../../model/config/destinations/thaw.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import type { RunbookFacts } from '../../../model/drill/runbook.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { adapterFor } from '../../sources/index.ts';
import { listBackups } from '../../storage/catalogue.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { productVersion } from '../../version.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { shipsLogs } from '../ship-logs.ts';
import type { Drills } from './read.ts';

export interface KnownDrills extends Pick<Drills, 'problems'> {
  readonly drills: readonly DrillReport[];
}

/** @throws BackupError only where a key of the config cannot be used: a place that is away is named. */
export async function runbookFacts(site: Site, { drills, problems }: KnownDrills): Promise<RunbookFacts> {
  const trusted = await trustedKeys(site);
  const file = await ifThere(stat(site.file));
  const { found, unread } = await newestManifests(site, trusted);
  return {
    config: site.config,
    configDigest: site.configDigest,
    configChanged: file === undefined ? null : file.mtime.toISOString(),
    drills,
    drillsUnread: problems,
    recoveryConfig: recoveryYaml(site, trusted),
    needs: Object.fromEntries([...found].map(([source, manifest]) => [source, needsOf(manifest)])),
    unread,
    logged: Object.entries(site.config.sources).flatMap(([name, source]) => (shipsLogs(source) ? [name] : [])),
    version: productVersion,
  };
}

/** The config of the kit; where the identity is comes from the environment, if that says so. */
function recoveryYaml({ config }: Site, trusted: readonly TrustedKey[]): string {
  const believed = [...new Set(trusted.filter((key) => typeof key === 'string'))];
  const recovery = recoveryConfig(config, believed);
  const identity = { file: `\${IDENTITY:-${KIT_IDENTITY}}` };
  return stringify({ ...recovery, encryption: { ...recovery.encryption, identity } });
}

interface Newest {
  /** By source. */
  readonly found: ReadonlyMap<string, Manifest>;
  readonly unread: RunbookFacts['unread'];
}

/** The newest authentic backup of each source of the site, from the first place that has one of it: of several hosts none has them all. */
async function newestManifests(site: Site, trusted: readonly TrustedKey[]): Promise<Newest> {
  const found = new Map<string, Manifest>();
  const unread: RunbookFacts['unread'][number][] = [];
  const sources = Object.keys(site.config.sources);
  for (const place of [REPOSITORY, ...readableFirst(site.config.destinations)]) {
    if (sources.every((source) => found.has(source))) break;
    try {
      for (const [source, manifest] of await newestAt(site, place, trusted))
        if (!found.has(source)) found.set(source, manifest);
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
      unread.push({ place, problem: error.message });
    }
  }
  return { found: new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1))), unread };
}

async function newestAt(
  site: Site,
  place: string,
  trusted: readonly TrustedKey[],
): Promise<ReadonlyMap<string, Manifest>> {
  const listed = await listBackups(await openPlaceNamed(site, place), { logs: false });
  const own = listed
    .map(({ manifest }) => manifest)
    .filter((one) => site.config.sources[one.source] !== undefined && manifestVerdict(one, trusted) === 'good')
    .toSorted((a, b) => (a.scheduled < b.scheduled ? -1 : 1));
  return new Map(own.map((one) => [one.source, one]));
}

function needsOf(manifest: Manifest): RunbookFacts['needs'][string] {
  return adapterFor(manifest.type).needs?.(manifest) ?? [];
}
