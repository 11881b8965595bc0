/** The data folder and its neighbours: renames only, each durable, each harmless when it is done already. */
import { chmod, lstat, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { readMounts } from '../../sources/files/mounts.ts';
import { syncFolder } from '../../storage/durable.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { runProgram } from '../../streams/run.ts';
import type { Owner } from './journal.ts';

export async function isThere(folder: string): Promise<boolean> {
  return (await ifThere(lstat(folder))) !== undefined;
}

/** Renames within one folder; done already (the one is gone, the other there) it does nothing. */
export async function moveTo(from: string, to: string): Promise<void> {
  await translated(from, `renaming it to ${to}`, async () => {
    if (!(await isThere(from)) && (await isThere(to))) return;
    if (await isThere(to)) {
      throw new BackupError('conflict', `${to} is there already, so ${from} cannot be renamed to it.`, {
        remedy: 'Look who has made it meanwhile; move it away, and resume.',
        facts: { from, to },
      });
    }
    await rename(from, to);
    await syncFolder(path.dirname(to));
  });
}

/**
 * The folder that the config means, with links followed: it is renamed itself, not a link to it.
 * @throws BackupError `refused` for a mount point, which cannot be renamed, and for what is no folder.
 */
export async function dataFolder(configured: string): Promise<string> {
  const real = (await ifThere(realpath(configured))) ?? configured;
  const found = await ifThere(stat(real));
  const above = await ifThere(stat(path.dirname(real)));
  if (!above) throw refused(`${path.dirname(real)} is not there`, 'Make it, or look whether inPlace.data is right.');
  if (!found) return real;
  if (!found.isDirectory()) throw refused(`${real} is no folder`, 'Look whether inPlace.data is right.');
  // A bind mount is of the same device, and cannot be renamed either.
  if (found.dev !== above.dev || (await readMounts()).some(({ point }) => point === real)) {
    throw refused(
      `${real} is a mount point: it cannot be renamed, so the old data could not be kept beside the new ones`,
      'Restore to a folder (--to) and swap by hand; or let the server use a folder below the mount point.',
    );
  }
  return real;
}

export async function ownerOf(folder: string): Promise<Owner | null> {
  const found = await ifThere(stat(folder));
  return found ? { uid: found.uid, gid: found.gid, mode: found.mode & 0o7777 } : null;
}

/** Gives what was restored to whoever had the old data; where there were none it stays its own. */
export async function giveOwner(folder: string, owner: Owner | null, signal: AbortSignal): Promise<void> {
  if (!owner) return;
  const args = ['-R', '-h', '-P', `${owner.uid}:${owner.gid}`, '--', folder];
  await runProgram({ command: 'chown', args }, { signal });
  await chmod(folder, owner.mode);
}

/** Copies entries at the top of one folder over those of another, as they are. @returns their names. */
export async function copyKept(
  from: string,
  to: string,
  keeps: (name: string, isFolder: boolean) => boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const entries = (await ifThere(readdir(from, { withFileTypes: true }))) ?? [];
  const names = entries.filter((entry) => keeps(entry.name, entry.isDirectory())).map(({ name }) => name);
  for (const name of names) {
    await rm(path.join(to, name), { recursive: true, force: true });
    await runProgram({ command: 'cp', args: ['-a', '--', path.join(from, name), path.join(to, name)] }, { signal });
  }
  return names;
}

function refused(what: string, remedy: string): BackupError {
  return new BackupError('refused', `${what}. Nothing was changed.`, { remedy });
}
