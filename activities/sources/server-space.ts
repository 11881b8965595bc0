/** Free space where a server keeps its data and its logs, as far as this host sees these folders. */
import { stat, statfs } from 'node:fs/promises';
import type { FreeSpace } from '../../model/logs-run.ts';
import { isErrno } from '../streams/errno.ts';

/** Of folders on one file system the first counts. What is not there, or is not for this user, is left out. */
export async function spaceOfServer(folders: readonly string[]): Promise<readonly FreeSpace[]> {
  const found = await Promise.all(folders.map((folder) => look(folder)));
  const devices = new Map<number, FreeSpace>();
  for (const one of found) if (one && !devices.has(one.device)) devices.set(one.device, one.space);
  return [...devices.values()];
}

async function look(path: string): Promise<{ readonly device: number; readonly space: FreeSpace } | undefined> {
  try {
    const [{ dev }, { bavail, bsize }] = await Promise.all([stat(path), statfs(path)]);
    return { device: dev, space: { path, free: bavail * bsize } };
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EACCES') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}
