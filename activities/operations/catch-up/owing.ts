/** What a destination lacks of this host's repository, by comparison of keys. Logs have a plan of their own. */
import path from 'node:path';
import { hostNames } from '../../../model/config/hosts.ts';
import type { Behind } from '../../../model/catch-up.ts';
import type { Member } from '../../../model/chain-order.ts';
import { BackupError } from '../../../model/errors.ts';
import { sizes, type Manifest } from '../../../model/manifest.ts';
import { MANIFEST, parseBackupId, pruneRecords, RECORD_FOLDERS, topsOf } from '../../../model/paths.ts';
import { TIERS } from '../../../model/source.ts';
import type { Site } from '../../site.ts';
import { manifestDigest, parseManifest, readableManifest } from '../../storage/manifest-file.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Store } from '../../storage/types.ts';
import { isOwedTo } from '../owed-to.ts';
import { destinationsOf } from '../plan-run.ts';
import { hasRecord, type Held } from './memory.ts';

/** What of a manifest the order and the counting need: of a new destination there may be many. */
export interface OwedBackup extends Member {
  /** Key of its folder. */
  readonly folder: string;
  readonly bytes: number;
  /** RFC 3339: when it was made. */
  readonly finished: string;
}

export interface Owed {
  readonly backups: readonly OwedBackup[];
  /** Keys of small records. */
  readonly records: readonly string[];
  /** Backups in the repository whose manifest cannot be read: why, each in words. */
  readonly unreadable: readonly BackupError[];
}

/** The keys of a repository that belong at a destination. */
export interface Wanted {
  /** Folders of backups, with the size of each one's manifest. */
  readonly folders: ReadonlyMap<string, number>;
  /** Sizes of small records by their keys. */
  readonly records: ReadonlyMap<string, number>;
}

/** Manifests read at once. */
const PARALLEL = 16;

/** Top folders of the backups that a destination takes. */
export function topsTaken(site: Site, destination: string): readonly string[] {
  return TIERS.filter((tier) => destinationsOf(site, tier).includes(destination)).flatMap(topsOf);
}

/** What of the repository belongs at a destination. */
export async function wantedAt(from: Store, tops: readonly string[]): Promise<Wanted> {
  const folders = await foldersOf(from, tops);
  const ids = new Set([...folders.keys()].map((folder) => path.posix.basename(folder)));
  const records = new Map<string, number>();
  for (const folder of RECORD_FOLDERS) {
    for await (const { key, bytes } of from.list(folder)) if (isWanted(key, ids)) records.set(key, bytes);
  }
  return { folders, records };
}

/** Evidence of what a destination does not take is of no use there; of logs it always is where they go. */
function isWanted(key: string, ids: ReadonlySet<string>): boolean {
  const [top, source = '', id = ''] = key.split('/');
  // What was deleted at one place says nothing of another.
  if (key.startsWith(`${pruneRecords(source)}/`)) return false;
  return top !== 'evidence' || parseBackupId(id) === undefined || ids.has(id);
}

/**
 * Which of those keys a destination holds. A record of another size is an older version: a run signs its recovery point again.
 * @param before what was seen last: of records that could not be replaced, those that still lie there.
 */
export async function heldAt(
  { from, to, tops }: Sides,
  { wanted, before, now }: { readonly wanted: Wanted; readonly before: Held | undefined; readonly now: number },
): Promise<Held> {
  const there = [...(await foldersOf(to, tops))].filter(([folder]) => wanted.folders.has(folder));
  const doubtful = there.filter(([folder, bytes]) => wanted.folders.get(folder) !== bytes).map(([folder]) => folder);
  const strange = new Set(await strangeIn({ from, to }, doubtful));
  const held = there.map(([folder]) => folder).filter((folder) => !strange.has(folder));
  const records: Record<string, number> = {};
  const kept: Record<string, number> = {};
  for (const folder of RECORD_FOLDERS) {
    for await (const { key, bytes } of to.list(folder)) {
      const here = wanted.records.get(key);
      if (here === bytes) records[key] = bytes;
      else if (here !== undefined && before?.kept[key] === here) kept[key] = here;
    }
  }
  return { compared: new Date(now).toISOString(), held, records, kept };
}

interface Sides {
  readonly from: Store;
  readonly to: Store;
  /** Top folders that are compared. */
  readonly tops: readonly string[];
}

/** So many are looked at, the newest first: a place whose keys alone were rotated may have another size of each. */
const LOOKED_AT = 500;

/** Folders whose manifest there is that of another backup, or of none: whoever may write can put something under the id of a coming one. */
async function strangeIn({ from, to }: Omit<Sides, 'tops'>, folders: readonly string[]): Promise<readonly string[]> {
  const newest = folders.toSorted((a, b) => byId(b, a)).slice(0, LOOKED_AT);
  const found = await inParallel(newest, PARALLEL, async (folder) => {
    const [here, there] = await Promise.all([digestAt(from, folder), digestAt(to, folder)]);
    // One that cannot be read here says nothing of what is there.
    return here !== undefined && here !== there ? folder : undefined;
  });
  return found.filter((folder) => folder !== undefined);
}

/** Ids begin with the time. */
function byId(one: string, two: string): number {
  return path.posix.basename(one) < path.posix.basename(two) ? -1 : 1;
}

/** Undefined where there is none, or it cannot be read: that one file says nothing of the place. */
async function digestAt(store: Store, folder: string): Promise<string | undefined> {
  try {
    const bytes = await store.readSmall(`${folder}/${MANIFEST}`);
    const manifest = bytes && readableManifest(bytes);
    return manifest && manifestDigest(manifest);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable' || error.code === 'aborted') throw error;
    return undefined;
  }
}

/** What is wanted and not held. */
export async function owedOf(
  { site, destination }: { readonly site: Site; readonly destination: string },
  from: Store,
  wanted: Wanted,
  held: Held,
): Promise<Owed> {
  const there = new Set(held.held);
  const missing = [...wanted.folders.keys()].filter((folder) => !there.has(folder));
  const found = (await inParallel(missing, PARALLEL, (folder) => readOwed(from, folder))).filter(
    (each) => each !== undefined,
  );
  const records = [...wanted.records].filter(([key, bytes]) => !hasRecord(held, key, bytes)).map(([key]) => key);
  return {
    backups: found.flatMap((each) =>
      each instanceof BackupError || !isOfHost(site, each) || !isOwedTo(site, destination, each) ? [] : [each],
    ),
    records,
    unreadable: found.flatMap((each) => (each instanceof BackupError ? [each] : [])),
  };
}

/** How far a destination is behind. What cannot be read here is owed as well: it will not come by itself. */
export function behindOf({ backups, records, unreadable }: Owed): Behind {
  return {
    backups: backups.length + unreadable.length,
    bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
    since: backups.map(({ finished }) => finished).toSorted()[0] ?? null,
    records: records.length,
  };
}

/** RFC 3339: scheduled time of the newest backup among these folders; null where there is none. */
export function newestIn(folders: readonly string[]): string | null {
  const times = folders.map((folder) => parseBackupId(path.posix.basename(folder))?.scheduled ?? '');
  return times.reduce((newest, time) => (time > newest ? time : newest), '') || null;
}

/** Hosts may share a repository: each delivers what it made itself, anybody what a host made that is no more. */
function isOfHost(site: Site, { host }: { readonly host: string }): boolean {
  return host === site.host || !hostNames(site.config).includes(host);
}

async function foldersOf(store: Store, tops: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const folders = new Map<string, number>();
  for (const top of tops) {
    for await (const { key, bytes } of store.list(top, { named: MANIFEST }))
      folders.set(path.posix.dirname(key), bytes);
  }
  return folders;
}

async function readOwed(from: Store, folder: string): Promise<Slim | BackupError | undefined> {
  try {
    const bytes = await from.readSmall(`${folder}/${MANIFEST}`);
    // Removed since it was listed.
    return bytes === undefined ? undefined : slim(folder, parseManifest(bytes));
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable' || error.code === 'aborted') throw error;
    return new BackupError(error.code, `${folder} in the repository cannot be read: ${error.message}`, {
      remedy: `mosaic-backup copies repair --to repository brings a good copy back, where another place has one.`,
      cause: error,
    });
  }
}

type Slim = OwedBackup & Pick<Manifest, 'host' | 'tier' | 'source' | 'scheduled' | 'started'>;

function slim(folder: string, manifest: Manifest): Slim {
  const { source, tier, kind, scheduled, started, finished, host } = manifest;
  return { folder, source, tier, kind, scheduled, started, finished, host, bytes: sizes(manifest).stored };
}
