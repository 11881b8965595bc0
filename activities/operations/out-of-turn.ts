/**
 * A capture whose time is over: a newer backup of its tier has been made since. What a source holds now must not stand under a time
 * before that backup's, where nobody could tell which of them is the newer one, and where a gap would look as if it had been none.
 */
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import { MANIFEST, sourceFolder } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { planAndTime } from '../../model/run.ts';
import { defaultGroup } from '../../model/source.ts';
import { compactTime, wholeSeconds } from '../../model/time.ts';
import { trustedKeys } from '../keys/site-keys.ts';
import { manifestVerdict, readableManifest } from '../storage/manifest-file.ts';
import { watchedRepository } from '../storage/repository.ts';
import type { CaptureRequest } from './capture.ts';

type Asked = Pick<CaptureRequest, 'site' | 'source' | 'tier' | 'scheduled' | 'runId'>;

/**
 * One of another tier changes nothing: a weekly that waited for its host is made after the daily of the same night. Neither does one of
 * the future, which a clock that ran ahead has left: else nothing would be captured until then.
 * @throws BackupError `refused`.
 */
export async function requireInTurn(request: Asked, config: SourceConfig): Promise<void> {
  const newer = await newerBackup(request, config);
  if (!newer) return;
  const { source, tier, scheduled, runId } = request;
  const { id } = newer;
  throw new BackupError(
    'refused',
    `${source} has no backup of ${scheduled}, and a newer one is there: ${formatReference({ source, tier, id })}. What the source held then can no longer be read, and what it holds now was not put under that time: nothing was captured.`,
    {
      remedy: `Nothing is to be mended: the newer one stands. For a backup of now: mosaic-backup run ${planAndTime(runId)?.plan ?? tier} --source ${source}`,
      facts: { source, newer: id },
    },
  );
}

/** The newest of the source's tier that its own plans have made for a time behind the run's, and not of the future. */
async function newerBackup(request: Asked, config: SourceConfig): Promise<Manifest | undefined> {
  const { site, source, tier, scheduled } = request;
  const store = watchedRepository(site);
  const [after, now] = [compactTime(scheduled), compactTime(wholeSeconds(Date.now()))];
  const keys: string[] = [];
  const folder = sourceFolder({ source, group: config.group ?? defaultGroup(config.type), tier });
  for await (const { key } of store.list(folder, { named: MANIFEST })) {
    // Names tell it: only few are to be read.
    const time = path.posix.basename(path.posix.dirname(key)).slice(0, now.length);
    if (time > after && time <= now) keys.push(key);
  }
  const trusted = await trustedKeys(site);
  for (const key of keys.toSorted().toReversed()) {
    const bytes = await store.readSmall(key);
    const manifest = bytes && readableManifest(bytes);
    if (manifest && !isImported(manifest) && manifestVerdict(manifest, trusted) === 'good') return manifest;
  }
  return undefined;
}

/** Taken in from elsewhere: its time is what somebody has said, and no capture builds on it. */
export function isImported({ engine }: Pick<Manifest, 'engine'>): boolean {
  return 'imported' in engine;
}
