/** Makes a whole tree durable. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../streams/run.ts';
import type { Work } from '../work.ts';
import { syncFolder } from './durable.ts';
import { errnoOf, storageError } from './fs-errors.ts';

/** A sync of each file costs more than one of the file system, where there are more. */
const FEW = 64;

/**
 * Files, folders and the names in them are on the disk when it returns. A small tree is synced by itself: its file system would be synced with whatever
 * others have just written there, and a restore of a few files would wait for gigabytes of a database.
 */
export async function syncTree(folder: string, { signal }: Pick<Work, 'signal'>): Promise<void> {
  if (await syncSmall(folder)) return;
  await runProgram({ command: 'sync', args: ['-f', folder] }, { signal });
}

/** The system tells each reader of a file once that bytes of it are lost. A second sync would say that all is well. */
const LOST: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOSPC', 'EDQUOT']);

/**
 * @returns false where it is large, or where something in it cannot be synced by itself: links, pipes, what only root may open, names that are no
 *   UTF-8, and what is gone meanwhile.
 * @throws BackupError where bytes could not be written.
 */
async function syncSmall(folder: string): Promise<boolean> {
  const tree = await smallTree(folder).catch(() => undefined);
  if (!tree) return false;
  // All of them to their end: that one cannot be opened must not hide that another has lost bytes.
  const files = await Promise.allSettled(tree.files.map(syncFile));
  const folders = await Promise.allSettled(tree.folders.map(syncFolder));
  const failed = [...files, ...folders].flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const lost = failed.find((error) => LOST.has(errnoOf(error)));
  if (lost !== undefined) throw storageError(lost, folder, 'Writing what was restored to the disk');
  return failed.length === 0;
}

async function smallTree(
  folder: string,
): Promise<{ readonly files: readonly string[]; readonly folders: readonly string[] } | undefined> {
  const files: string[] = [];
  const folders = [folder];
  // Those that are found meanwhile come later.
  for (const each of folders) {
    for (const entry of await readdir(each, { withFileTypes: true })) {
      const at = path.join(each, entry.name);
      if (entry.isDirectory()) folders.push(at);
      else if (entry.isFile()) files.push(at);
      else return undefined;
      if (files.length + folders.length > FEW) return undefined;
    }
  }
  return { files, folders };
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
