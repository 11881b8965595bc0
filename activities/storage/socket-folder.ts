/** Folders for sockets: private, with short names, and removed by the next process where theirs was killed. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ifThere } from './fs-errors.ts';

/** A new folder, 0700. Short, since the path of a socket has at most 107 bytes, and on no shared file system. */
export async function socketFolder(prefix: string): Promise<string> {
  await sweep(prefix);
  return mkdtemp(path.join(tmpdir(), `${prefix}${process.pid}-`));
}

/** Removes the folders of processes that were killed: a name holds the process's id. */
async function sweep(prefix: string): Promise<void> {
  const uid = process.getuid?.();
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const folder = path.join(tmpdir(), name);
    // Another sweep may have been quicker.
    const found = await ifThere(stat(folder));
    if (found?.uid === uid) await rm(folder, { recursive: true, force: true });
  }
}
