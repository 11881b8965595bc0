/** The step of a restore that is a run of its own: done twice it restores once. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { RestoreStepInput } from '../../model/restore-run.ts';
import { REPOSITORY } from '../../model/rotation.ts';
import type { Site } from '../site.ts';
import { chainOf, findPinned, listBackups } from '../storage/catalogue.ts';
import { ifThere } from '../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';
import type { Work } from '../work.ts';
import { openPlaceNamed } from './keys/places.ts';
import { planRecovery } from './recovery.ts';
import { restoreBackup } from './restore.ts';

export interface RestoreStepRequest {
  readonly site: Site;
  readonly input: RestoreStepInput;
  readonly work: Work;
}

/** The folder that a run has restored and is about to give its name: one that has the name already is known by its number. */
const promotion = z.object({ run: z.string(), inode: z.string() });

/**
 * @returns how long it took.
 * @throws BackupError as `restoreBackup` and `planRecovery`; `not-found` where the backup is not there any more.
 */
export async function restoreStep({
  site,
  input,
  work,
}: RestoreStepRequest): Promise<{ readonly milliseconds: number }> {
  const { run, source, backup: reference, place, target, to, paths } = input;
  const began = Date.now();
  const file = path.join(site.state, 'restores', `${createHash('sha256').update(to).digest('hex').slice(0, 16)}.json`);
  const before = await readMemoryFile(file, promotion);
  // An attempt that was killed when it was done, and before anybody knew of it.
  if (before?.run === run && before.inode === (await inodeOf(to))) return { milliseconds: Date.now() - began };

  const store = await openPlaceNamed(site, place ?? REPOSITORY);
  const catalogue = (await listBackups(store, { logs: target !== null })).filter(
    ({ manifest }) => manifest.source === source,
  );
  const backup = findPinned(catalogue, reference);
  const replay = target === null ? undefined : planRecovery({ catalogue, source, target, from: backup });
  await restoreBackup({
    site,
    store,
    chain: replay?.chain ?? chainOf(catalogue, backup),
    to,
    paths,
    replay,
    beforePromotion: async (scratch) => {
      const inode = await inodeOf(scratch);
      if (inode !== undefined) await writeMemoryFile(file, { run, inode });
    },
    work,
  });
  return { milliseconds: Date.now() - began };
}

/** Device and number: no two folders of a machine have the same. Undefined where it is not there. */
async function inodeOf(folder: string): Promise<string | undefined> {
  const found = await ifThere(stat(folder, { bigint: true }));
  return found && `${found.dev}:${found.ino}`;
}
