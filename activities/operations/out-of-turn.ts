/**
 * A capture whose time is over: a newer backup of its tier has been made since. What a source holds now must not stand under a time
 * before that backup's, where nobody could tell which of them is the newer one, and where a gap would look as if it had been none.
 */
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import { orderOf, type Manifest } from '../../model/manifest.ts';
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
  const { source, tier, scheduled } = request;
  const { id } = newer;
  throw new BackupError(
    'refused',
    `${source} has no backup of ${scheduled}, and a newer one is there: ${formatReference({ source, tier, id })}. What the source held then can no longer be read, and what it holds now was not put under that time: nothing was captured.`,
    {
      remedy: `Nothing is to be mended: the newer one stands. For a backup of now: ${runNow(request)}`,
      facts: { source, newer: id },
    },
  );
}

/**
 * That what bears the time of the run is of that time. What a clock that ran ahead has dated bears it before it has come: what was made when
 * the clock was right again has an earlier time, and was sealed later. Nobody else's has, since it would have been refused.
 * @param sealed what was found for the run's time.
 * @throws BackupError `refused`.
 */
export async function requireOfItsTime(request: Asked, config: SourceConfig, sealed: Manifest): Promise<void> {
  const { source, tier, scheduled } = request;
  const at = compactTime(scheduled);
  const later = await newestOf(
    request,
    config,
    (time) => time < at,
    (one) => orderOf(one) > orderOf(sealed),
  );
  if (!later) return;
  const reference = (id: string) => formatReference({ source, tier, id });
  throw new BackupError(
    'refused',
    `${source} has no backup of ${scheduled}: ${reference(sealed.id)} bears that time, and was made before ${reference(later.id)}, by a clock that was wrong. Nothing was captured.`,
    { remedy: `For a backup of now: ${runNow(request)}`, facts: { source, ahead: sealed.id } },
  );
}

function runNow({ source, tier, runId }: Asked): string {
  return `mosaic-backup run ${planAndTime(runId)?.plan ?? tier} --source ${source}`;
}

/** The newest of the source's tier that its own plans have made for a time behind the run's, and not of the future. */
function newerBackup(request: Asked, config: SourceConfig): Promise<Manifest | undefined> {
  const [after, now] = [compactTime(request.scheduled), compactTime(wholeSeconds(Date.now()))];
  return newestOf(request, config, (time) => time > after && time <= now);
}

/** @param isOf by the time in its name, which tells it without reading: only few are to be read. */
async function newestOf(
  { site, source, tier }: Asked,
  config: SourceConfig,
  isOf: (time: string) => boolean,
  isMeant: (manifest: Manifest) => boolean = () => true,
): Promise<Manifest | undefined> {
  const store = watchedRepository(site);
  const keys: string[] = [];
  const folder = sourceFolder({ source, group: config.group ?? defaultGroup(config.type), tier });
  for await (const { key } of store.list(folder, { named: MANIFEST }))
    if (isOf(path.posix.basename(path.posix.dirname(key)).replace(/-.*$/, ''))) keys.push(key);
  const trusted = await trustedKeys(site);
  for (const key of keys.toSorted().toReversed()) {
    const bytes = await store.readSmall(key);
    const manifest = bytes && readableManifest(bytes);
    if (!manifest || isImported(manifest) || !isMeant(manifest)) continue;
    if (manifestVerdict(manifest, trusted) === 'good') return manifest;
  }
  return undefined;
}

/** Taken in from elsewhere: its time is what somebody has said, and no capture builds on it. */
export function isImported({ engine }: Pick<Manifest, 'engine'>): boolean {
  return 'imported' in engine;
}
