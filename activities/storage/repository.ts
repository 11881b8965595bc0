/**
 * The repository: the host's local folder of backups. A backup is made in staging and sealed by rename(2), which is
 * the commit point: before it nothing is listed, after it everything is there and durable.
 */
import { lstat, mkdir, readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { LATEST, MANIFEST, sourceFolder, STAGING } from '../../model/paths.ts';
import type { BackupPlace } from '../../model/paths.ts';
import type { Site } from '../site.ts';
import { directoryStore, fileOf, removeObject } from './directory.ts';
import { FOLDER_MODE, makeFolders, makePath, publish, syncFiles, syncFolder } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from './holder.ts';
import type { Lease } from './lease.ts';
import { requireOwn, requirePlace, wasUsed, type Place } from './place.ts';
import type { LocalStore, Pruner, WritableStore } from './types.ts';
import { removeThere } from './remove-there.ts';
import { listThere, openThere, readThere, writeThere, type Presence } from './while-there.ts';

export { freeSpace, requireSpace } from './space.ts';

/**
 * Makes the repository ready to be written to: on its first use its folder is made, afterwards it must be the one
 * that was used before, so that nothing is written below a mount point whose disk is missing.
 * @throws BackupError `unreachable` when its disk is not mounted, `refused` when it belongs to another site.
 */
export async function prepareRepository(site: Site): Promise<void> {
  const place = repositoryPlace(site);
  if (!(await wasUsed(place))) {
    await translated(site.repository, 'making the repository', () => makePath(site.repository));
  }
  await requirePlace(place, 'write');
}

/**
 * The repository of a site, to read from. One that was never used is empty.
 * @throws BackupError `unreachable` when it was used before, and its disk is not mounted now.
 */
export async function openRepository(site: Site): Promise<LocalStore & WritableStore> {
  await requireRepository(site);
  return { ...watchedRepository(site), remembers: rememberedOf(site.state, 'repository') };
}

/** The same, where it is known already that it is there. What is asked of it later fails as `unreachable` once it is not. */
export function watchedRepository(site: Site): LocalStore & WritableStore {
  const store = repositoryStore(site.repository);
  const presence = presenceOf(site);
  return {
    file: (key) => store.file(key),
    there: presence.there,
    list: (prefix, options) => listThere(presence, () => store.list(prefix, options)),
    readSmall: (key) => readThere(presence, () => store.readSmall(key)),
    open: (key) => openThere(presence, () => store.open(key)),
    digest: (key, work) => readThere(presence, () => store.digest(key, work)),
    putSmall: (key, bytes, options) => writeRepository(site, () => store.putSmall(key, bytes, options)),
  };
}

/** @throws BackupError `unreachable` when it was used before, and its disk is not mounted now. */
export async function requireRepository(site: Site): Promise<void> {
  const place = repositoryPlace(site);
  if (await wasUsed(place)) await requirePlace(place, 'read');
}

/**
 * Writes to the repository what may be written twice: it is written only where the repository is there before and after.
 * @throws BackupError `unreachable`
 */
export async function writeRepository<T>(site: Site, write: () => Promise<T>): Promise<T> {
  await requireRepository(site);
  return writeThere(presenceOf(site), write);
}

function presenceOf(site: Site): Presence {
  return { what: 'repository', root: site.repository, there: () => requireRepository(site) };
}

/**
 * Refuses a repository of somebody else before anything is done; one that is not there says so when it is needed.
 * @throws BackupError `refused` when it belongs to another site or host.
 */
export function requireOwnRepository(site: Site): Promise<void> {
  return requireOwn(repositoryPlace(site));
}

/** Where the records of a place are remembered, for `Store.remembers`. */
export function rememberedOf(state: string, place: string): string {
  return path.join(state, 'catalogue', place);
}

function repositoryPlace(site: Site): Place {
  return { what: 'repository', root: site.repository, site: site.config.site, host: site.host, state: site.state };
}

/** The repository as a store; its objects are files of this host. Whether it is the right folder, `openRepository` sees. */
export function repositoryStore(root: string): LocalStore & WritableStore {
  return directoryStore(root);
}

/** Deletes objects of the repository. */
export function repositoryPruner(site: Site): Pruner {
  return {
    async remove(key) {
      await requirePlace(repositoryPlace(site), 'write');
      await removeThere(presenceOf(site), key);
    },
  };
}

/** Stores a small record (recovery point, evidence) in the repository, replacing another of its name. */
export async function putRepositorySmall(site: Site, key: string, bytes: Uint8Array): Promise<void> {
  await watchedRepository(site).putSmall(key, bytes, { replace: true });
}

/**
 * Makes the staging folder of an attempt: `<root>/.staging/<attempt>~<who holds it>`, so that the staging of the dead
 * is told from that of the living by its name alone.
 */
export async function createStaging(root: string, attempt: string): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(attempt)) throw new TypeError(`"${attempt}" is no name of an attempt`);
  const folder = path.join(root, STAGING, `${attempt}${holderTag(thisHolder())}`);
  return translated(folder, 'making the staging folder', async () => {
    await makeFolders(root, STAGING);
    inUse.add(folder);
    try {
      await mkdir(folder, { mode: FOLDER_MODE });
    } catch (error) {
      inUse.delete(folder);
      throw error;
    }
    return folder;
  });
}

/** Staging of this process's attempts that are not over. */
const inUse = new Set<string>();

/** Removes what is left of an attempt's staging once it is over, sealed or not. Where that fails, the next sweep does it. */
export async function dropStaging(folder: string): Promise<void> {
  inUse.delete(folder);
  await translated(folder, 'removing the staging folder', () => rm(folder, { recursive: true, force: true }));
}

export interface Seal {
  readonly root: string;
  /** As `createStaging` made it, with everything in it, the manifest too. */
  readonly staging: string;
  /** Key of the folder that it becomes. */
  readonly folder: string;
  readonly lease: Lease;
}

/**
 * Seals a backup: all of it durable, then one rename to its final name, then that durable. `existed`: another attempt
 * has sealed a backup of that name; this one's staging is dropped.
 * @throws BackupError `lease-lost` when a later attempt has taken over; `conflict` when the name is taken by something else.
 */
export async function sealBackup({ root, staging, folder: key, lease }: Seal): Promise<'sealed' | 'existed'> {
  // Its parts came through Temporal: a place that would leave the root is refused.
  const folder = fileOf(root, key);
  return translated(folder, `sealing ${key}`, async () => {
    await stat(path.join(staging, MANIFEST));
    await syncFiles(staging);
    await makeFolders(root, path.posix.dirname(key));
    // Last of all before the rename: an attempt that slept until now must not publish.
    await lease.check();
    try {
      await rename(staging, folder);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOTEMPTY' && errno !== 'EEXIST' && errno !== 'ENOTDIR') throw error;
      await requireBackup(folder, key);
      await rm(staging, { recursive: true, force: true });
      return 'existed';
    }
    await syncFolder(path.dirname(folder));
    return 'sealed';
  });
}

/** Points `latest` of a source in its tier at this backup, unless it points at it, or at a newer one, already. */
export async function pointLatest(root: string, place: BackupPlace): Promise<void> {
  const link = path.join(root, sourceFolder(place), LATEST);
  await translated(link, 'renewing the link to the latest backup', async () => {
    const current = await ifThere(readlink(link));
    // Ids begin with the scheduled time, so their order is that of time.
    if (current !== undefined && current >= place.id && (await ifThere(stat(link))) !== undefined) return;
    const temporary = path.join(root, STAGING, `latest-${randomUUID()}${holderTag(thisHolder())}`);
    inUse.add(temporary);
    try {
      await makeFolders(root, STAGING);
      await symlink(place.id, temporary);
      await publish(temporary, link);
    } finally {
      inUse.delete(temporary);
    }
  });
}

/**
 * Points `latest` beside a folder that was deleted at what is the newest there now, and removes it, with its folder, where
 * nothing is. A link that leads somewhere is left.
 * @param folder key of what was deleted.
 */
export async function mendLatest(root: string, folder: string): Promise<void> {
  const parent = path.dirname(fileOf(root, folder));
  const link = path.join(parent, LATEST);
  await translated(link, 'renewing the link to the latest backup', async () => {
    if ((await ifThere(readlink(link))) === undefined || (await ifThere(stat(link))) !== undefined) return;
    const ids = ((await ifThere(readdir(parent))) ?? []).filter((name) => name !== LATEST).toSorted();
    const newest = ids.at(-1);
    if (newest === undefined) {
      await removeObject(root, path.posix.join(path.posix.dirname(folder), LATEST));
      return;
    }
    const temporary = path.join(root, STAGING, `latest-${randomUUID()}${holderTag(thisHolder())}`);
    inUse.add(temporary);
    try {
      await makeFolders(root, STAGING);
      await symlink(newest, temporary);
      await publish(temporary, link);
    } finally {
      inUse.delete(temporary);
    }
  });
}

/** What another machine or container may still be writing is dead when nothing was added to it for so long, in milliseconds. */
const FOREIGN = 24 * 3_600_000;

/** A name for an attempt, unique, of letters, digits and dashes: its source, how often it was tried, and a token. */
export function attemptName(source: string, attempt: number): string {
  return `${plainName(source)}-${attempt}-${randomBytes(6).toString('hex')}`;
}

function plainName(source: string): string {
  return source.replaceAll(/[^A-Za-z0-9-]/g, '-');
}

/**
 * Removes staging that dead attempts left behind, and nothing of the living. Returns the names removed.
 * @param source the one whose lease is held: it is captured on this host alone, so that what an earlier boot left of
 *   it is dead. Of other sources it may be another host's, where hosts share a repository: there only time tells.
 */
export async function sweepStaging(root: string, source: string): Promise<readonly string[]> {
  const folder = path.join(root, STAGING);
  return translated(folder, 'sweeping staging', async () => {
    const removed: string[] = [];
    for (const name of (await ifThere(readdir(folder))) ?? []) {
      if (!(await isDead(folder, name, source))) continue;
      await rm(path.join(folder, name), { recursive: true, force: true });
      removed.push(name);
    }
    return removed;
  });
}

async function isDead(folder: string, name: string, source: string): Promise<boolean> {
  const holder = holderOfName(name);
  // Not made by us: what is nobody's is not ours to delete.
  if (holder === undefined) return false;
  const here = thisHolder();
  // An attempt of this process that is over, and could not remove it: its disk was read-only then.
  if (name.endsWith(holderTag(here))) return !inUse.has(path.join(folder, name));
  if (holder.boot !== here.boot) return isAttemptOf(name, source) || isUntouched(path.join(folder, name));
  const alive = await isAlive(holder);
  return alive === undefined ? isUntouched(path.join(folder, name)) : !alive;
}

function isAttemptOf(name: string, source: string): boolean {
  const prefix = `${plainName(source)}-`;
  return name.startsWith(prefix) && /^\d+-[0-9a-f]{12}~/.test(name.slice(prefix.length));
}

/** Writing to a file leaves the times of its folder as they are, so its files are looked at too. */
async function isUntouched(staging: string): Promise<boolean> {
  const files = (await ifThere(readdir(staging))) ?? [];
  const found = await Promise.all(
    [staging, ...files.map((file) => path.join(staging, file))].map((each) => ifThere(lstat(each))),
  );
  const times = found.flatMap((each) => (each === undefined ? [] : [each.mtimeMs]));
  return times.length > 0 && Date.now() - Math.max(...times) > FOREIGN;
}

async function requireBackup(folder: string, key: string): Promise<void> {
  if ((await ifThere(stat(path.join(folder, MANIFEST)))) !== undefined) return;
  throw new BackupError('conflict', `${key} is there already, but it is no backup: it has no ${MANIFEST}.`, {
    remedy: `See what ${folder} is, and move it away; this backup is then sealed by the next attempt.`,
    facts: { path: folder },
    retryable: true,
  });
}
