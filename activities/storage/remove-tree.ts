/** Removal of a tree whatever the modes of its folders are. */
import { rm } from 'node:fs/promises';
import { errnoOf } from './fs-errors.ts';
import { openFolders } from './open-folders.ts';

/** Removes a folder with all below it. What was restored may have folders that are closed to whoever restored them, where that is not root. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    await openFolders(folder);
    await rm(folder, { recursive: true, force: true });
  }
}
