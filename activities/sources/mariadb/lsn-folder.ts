/**
 * mariadb-backup's LSN folder: what `--incremental-basedir` reads. There is one in state for the newest backup, named
 * by the token that its manifest holds, so that it can only ever be used with exactly the backup that it belongs to.
 * Lost, it costs a full, never data.
 */
import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import { isErrno } from '../../streams/errno.ts';
import { readCheckpoints, type Checkpoints } from './position.ts';

const PREFIX = 'lsn-';

export function lsnFolder(state: string, token: string): string {
  return path.join(state, `${PREFIX}${token}`);
}

/** What the folder of a token says; undefined when it is lost or damaged. */
export async function findLsnFolder(state: string, token: string): Promise<Checkpoints | undefined> {
  try {
    return await readCheckpoints(lsnFolder(state, token));
  } catch (error) {
    if (isErrno(error, 'ENOENT') || (error instanceof BackupError && error.code === 'verification-failed')) {
      return undefined;
    }
    throw error;
  }
}

/** Puts a finished backup's folder into state, durably, before the manifest that names it is sealed. */
export async function keepLsnFolder(from: string, state: string, token: string, signal: AbortSignal): Promise<void> {
  const folder = lsnFolder(state, token);
  await cp(from, folder, { recursive: true });
  await runProgram({ command: 'sync', args: ['--', folder, ...(await paths(folder)), state] }, { signal });
}

/** Removes the folders of other backups than this. */
export async function sweepLsnFolders(state: string, token: string | undefined): Promise<void> {
  const kept = token === undefined ? undefined : `${PREFIX}${token}`;
  const stale = (await readdir(state)).filter((name) => name.startsWith(PREFIX) && name !== kept);
  for (const name of stale) await rm(path.join(state, name), { recursive: true, force: true });
}

async function paths(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).map((name) => path.join(folder, name));
}
