/** The folder that a restore is promoted to: looked at before, and taken by one rename at the end. */
import { createHash } from 'node:crypto';
import { readdir, rename, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { errnoOf } from '../storage/fs-errors.ts';
import { othersAtWork, sweepScratch } from '../storage/scratch.ts';

/** Scratch in a target that is a mount point. */
export const INSIDE = '.mosaic-restore-';

/** Of scratch beside a target. Names have at most 255 bytes, and a character up to four of them: of a long one its digest tells. */
export function prefixOf(name: string): string {
  if (name.length <= 30) return `.${name}.restore-`;
  return `.${name.slice(0, 20)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}.restore-`;
}

/** What a killed restore into a mount point left must not make the next one refuse it as not empty. */
export async function sweepInside(to: string): Promise<void> {
  const entries = await entriesOf(to);
  if (entries?.some((name) => name.startsWith(INSIDE))) await sweepScratch(to, INSIDE);
}

/** Whether the target exists (as an empty folder). @throws BackupError `not-empty`. */
export async function requireEmpty(to: string): Promise<boolean> {
  const entries = await entriesOf(to);
  if (entries === undefined) return false;
  if (entries.length === 0) return true;
  throw new BackupError(
    'not-empty',
    `${to} is not empty: it has ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}. Nothing was changed.`,
    {
      remedy: 'Choose an empty or new folder, or move what is there away first.',
      facts: { path: to, entries: entries.length },
    },
  );
}

async function entriesOf(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR')
      throw new BackupError('not-empty', `${folder} is a file, or lies below one. Nothing was changed.`, {
        remedy: 'Choose an empty or new folder.',
      });
    throw error;
  }
}

export async function isMountPoint(folder: string): Promise<boolean> {
  const [here, above] = await Promise.all([stat(folder), stat(path.dirname(folder))]);
  return here.dev !== above.dev;
}

/**
 * Of two restores to one target at least one sees the other here, since each looks when it has its scratch; and a rename never replaces what is there.
 * @throws BackupError `busy`.
 */
export async function requireAlone(scratch: string, prefix: string, to: string): Promise<void> {
  const [other] = await othersAtWork(scratch, prefix);
  if (other === undefined) return;
  throw new BackupError('busy', `another restore to ${to} goes on (process ${other.pid}). Nothing was changed.`, {
    remedy: 'Wait for its end, or choose another folder.',
    facts: { path: to, pid: other.pid },
  });
}

/** @throws BackupError `not-empty` where somebody has put something there meanwhile. */
export async function promote(scratch: string, to: string, inside: boolean): Promise<void> {
  if (!inside) {
    try {
      return await rename(scratch, to);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOTEMPTY' || errno === 'EEXIST' || errno === 'ENOTDIR') await requireEmpty(to);
      throw error;
    }
  }
  const taken = (await readdir(to)).filter((name) => name !== path.basename(scratch));
  if (taken.length > 0) await requireEmpty(to);
  for (const entry of await readdir(scratch)) await rename(path.join(scratch, entry), path.join(to, entry));
  return rmdir(scratch);
}
