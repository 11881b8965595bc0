/** File operations that are on the disk when they return: what a commit point is made of. */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, ifThere } from './fs-errors.ts';

export const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems cannot sync a folder, and make renames durable in their own way.
    const errno = errnoOf(error);
    if (errno !== 'EINVAL' && errno !== 'ENOTSUP') throw error;
  } finally {
    await handle.close();
  }
}

/** Makes all files of a folder durable and private, and then the folder itself. It has no folders in it. */
export async function syncFiles(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isFile()) throw new TypeError(`${path.join(folder, entry.name)} is no file`);
    const handle = await open(path.join(folder, entry.name), 'r');
    try {
      await handle.chmod(FILE_MODE);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  await syncFolder(folder);
}

/** Makes a folder below `root` with all that is missing between, private, each durable in its parent. The root must exist. */
export async function makeFolders(root: string, below: string): Promise<void> {
  let folder = root;
  for (const part of path.normalize(below).split(path.sep)) {
    if (part === '' || part === '.') continue;
    const parent = folder;
    folder = path.join(folder, part);
    try {
      await mkdir(folder, { mode: FOLDER_MODE });
      await syncFolder(parent);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * Makes a folder with all that is missing above it, private and durable. Not by a recursive mkdir of Node's: on a
 * read-only file system that fails with ENOENT, which says something else.
 */
export async function makePath(folder: string): Promise<void> {
  let root = folder;
  while ((await ifThere(stat(root))) === undefined) root = path.dirname(root);
  await makeFolders(root, path.relative(root, folder));
}

/**
 * Makes a folder with all that is missing above it, as the umask has it, each durable in its parent.
 * @returns those that it has made, the innermost first.
 */
export async function makeOpenPath(folder: string): Promise<readonly string[]> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return [];
  const all: string[] = [];
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) all.push(made);
  for (const made of all) await syncFolder(path.dirname(made));
  return all;
}

/** Writes a new file whole and durable; the file must not exist. */
export async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', FILE_MODE);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Gives a whole and durable file its name, replacing what bore it, and makes the name durable. */
export async function publish(temporary: string, file: string): Promise<void> {
  await rename(temporary, file);
  await syncFolder(path.dirname(file));
}
