/** A restore from the nearest place that has a good copy, as a step of a run or in a command's own process: done twice it restores once. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Restored, RestoreInput, RestoreStepInput } from '../../model/restore-run.ts';
import { REPOSITORY } from '../../model/rotation.ts';
import { trustedKeys } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { chainOf, findPinned, listBackups } from '../storage/catalogue.ts';
import { ifThere } from '../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';
import type { Work } from '../work.ts';
import { openPlaceNamed } from './keys/places.ts';
import { planOwn } from './recovery.ts';
import { fromAnyPlace } from './restore-places.ts';
import { elsewhere } from './restore-seen.ts';
import { restoreBackup } from './restore.ts';

export interface RestoreStepRequest {
  readonly site: Site;
  readonly input: RestoreStepInput;
  readonly work: Work;
}

/** The folder that a run has restored and is about to give its name: one that has the name already is known by its number. */
const promotion = z.object({ run: z.string(), inode: z.string() });

/**
 * The step of a run.
 * @throws BackupError as `restoreFromPlaces`.
 */
export async function restoreStep({ site, input, work }: RestoreStepRequest): Promise<Restored> {
  const { run, to, seen, once = false } = input;
  const began = Date.now();
  // An attempt that was killed when it was done, and before anybody knew of it.
  if (await hasRestored(site, run, to)) return { milliseconds: Date.now() - began, from: null, passed: [] };
  const why = seen === undefined ? null : await elsewhere(site, seen, to);
  if (why !== null) return { milliseconds: 0, elsewhere: why };
  const beforePromotion = async (scratch: string): Promise<void> => {
    const inode = await inodeOf(scratch);
    if (inode !== undefined) await writeMemoryFile(promotionFile(site, to), { run, inode });
  };
  return atOnce(once, () => restoreFromPlaces({ site, input, work, beforePromotion }));
}

/** What fails is told at once, and not tried again by its run. @param isOpen what is, besides what is just ending there. */
export async function atOnce<T>(
  once: boolean,
  body: () => Promise<T>,
  isOpen: (error: BackupError) => boolean = () => false,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!once || !(error instanceof BackupError)) throw error;
    const { code, message, remedy, facts } = error;
    const told = remedy === undefined ? { facts } : { facts, remedy };
    // One that is just ending there, as an attempt that lost its Temporal, is waited for.
    throw new BackupError(code, message, { ...told, cause: error, retryable: code === 'busy' || isOpen(error) });
  }
}

/** Places by their names as an input has them. */
export function placesOf([first = REPOSITORY, ...others]: readonly string[]): Pick<RestoreInput, 'place' | 'others'> {
  return { place: first === REPOSITORY ? null : first, others };
}

export interface FromPlacesRequest {
  readonly site: Site;
  readonly input: Omit<RestoreInput, 'site' | 'host' | 'seen'>;
  readonly work: Work;
  readonly beforePromotion?: (scratch: string) => Promise<void>;
  /** Called with each place that is passed over, and why. */
  readonly tell?: (passed: string) => void;
}

/** @throws BackupError as `restoreBackup` and `planRecovery`; `not-found` where no place has the backup any more. */
export async function restoreFromPlaces(request: FromPlacesRequest): Promise<Restored> {
  const { place, others = [] } = request.input;
  const began = Date.now();
  const places = [place ?? REPOSITORY, ...others].map((name) => ({ name }));
  const { place: from, passed } = await fromAnyPlace(places, ({ name }) => restoreFrom(name, request), request.tell);
  return { milliseconds: Date.now() - began, from, passed };
}

async function restoreFrom(place: string, { site, input, work, beforePromotion }: FromPlacesRequest): Promise<void> {
  const { source, backup: reference, target, to, paths } = input;
  const store = await openPlaceNamed(site, place);
  const catalogue = (await listBackups(store, { logs: target !== null })).filter(
    ({ manifest }) => manifest.source === source,
  );
  const backup = findPinned(catalogue, reference);
  const replay =
    target === null ? undefined : planOwn({ catalogue, source, target, from: backup }, await trustedKeys(site));
  await restoreBackup({
    site,
    store,
    chain: replay?.chain ?? chainOf(catalogue, backup),
    to,
    paths,
    replay,
    ...(beforePromotion && { beforePromotion }),
    work,
  });
}

/** Whether what lies at the target is what that run has restored: its worker may have been killed before anybody knew. */
export async function hasRestored(site: Site, run: string, to: string): Promise<boolean> {
  const before = await readMemoryFile(promotionFile(site, to), promotion);
  return before?.run === run && before.inode === (await inodeOf(to));
}

function promotionFile({ state }: Site, to: string): string {
  return path.join(state, 'restores', `${createHash('sha256').update(to).digest('hex').slice(0, 16)}.json`);
}

/** Device and number: no two folders of a machine have the same. Undefined where it is not there. */
async function inodeOf(folder: string): Promise<string | undefined> {
  const found = await ifThere(stat(folder, { bigint: true }));
  return found && `${found.dev}:${found.ino}`;
}
