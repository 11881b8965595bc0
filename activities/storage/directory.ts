/** A folder as a store: the repository, a mounted disk, a network share. */
import { open as openFile, readFile, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BackupError } from '../../model/errors.ts';
import { isKey } from '../../model/paths.ts';
import { fileStream } from '../streams/blocks-of.ts';
import type { Work } from '../work.ts';
import { syncFolder, writeNew } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { publishIncoming, withIncoming } from './incoming.ts';
import { readBack } from './read-back.ts';
import type { LocalStore, Stored, WritableStore } from './types.ts';
import { walkFolder } from './walk.ts';

/** A folder as a store. A missing one is empty: whether that is right, `place.ts` knows. */
export function directoryStore(root: string): LocalStore & WritableStore {
  return {
    file: (key) => fileOf(root, key),
    list: (prefix, options = {}) => walkFolder(prefix === '' ? root : fileOf(root, prefix), prefix, options),
    readSmall: (key) => readSmall(root, key),
    open: (key) => openObject(root, key),
    digest: (key, work) => digestObject(root, key, work),
    putSmall: (key, bytes, options) => putSmall(root, key, bytes, options),
  };
}

/** The file of a key. @throws BackupError `refused` for a key that would leave the root, or is none of ours. */
export function fileOf(root: string, key: string): string {
  if (isKey(key)) return path.join(root, key);
  throw new BackupError('refused', `"${key}" is not a key: it would leave ${root}, or name something hidden in it.`, {
    facts: { key },
  });
}

async function readSmall(root: string, key: string): Promise<Uint8Array | undefined> {
  const file = fileOf(root, key);
  return translated(file, `reading ${key}`, () => ifThere(readFile(file)));
}

async function openObject(root: string, key: string): Promise<Readable> {
  const file = fileOf(root, key);
  const handle = await translated(file, `opening ${key}`, () => ifThere(openFile(file, 'r')));
  if (handle === undefined) {
    throw new BackupError('not-found', `${file} is not there.`, {
      remedy: 'Run `mosaic-backup verify` on this backup, and use another copy.',
      facts: { path: file },
    });
  }
  return fileStream(file, handle);
}

async function digestObject(root: string, key: string, work: Work): Promise<Stored | undefined> {
  const file = fileOf(root, key);
  return translated(file, `reading ${key} back`, async () => {
    if ((await ifThere(stat(file))) === undefined) return undefined;
    return readBack(file, work, `reading ${key} back`);
  });
}

async function putSmall(
  root: string,
  key: string,
  bytes: Uint8Array,
  { replace }: { readonly replace: boolean },
): Promise<void> {
  const file = fileOf(root, key);
  await translated(file, `writing ${key}`, async () => {
    const existing = await ifThere(readFile(file));
    if (existing !== undefined && existing.equals(bytes)) return;
    if (existing !== undefined && !replace) throw conflict(file);
    await withIncoming(root, key, async (temporary) => {
      await writeNew(temporary, bytes);
      await publishIncoming(root, temporary, key);
    });
  });
}

/** Deletes a file, durably, and the folders below the root that this leaves empty. */
export async function removeObject(root: string, key: string): Promise<void> {
  const file = fileOf(root, key);
  await translated(file, `deleting ${key}`, async () => {
    await rm(file, { force: true });
    let folder = path.dirname(file);
    while (folder !== root && (await removeEmpty(folder))) folder = path.dirname(folder);
    await syncFolder(folder);
  });
}

/** False where something is in it still. */
async function removeEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

function conflict(file: string): BackupError {
  return new BackupError('conflict', `${file} exists and is different. It was left as it is.`, {
    remedy: 'Two things want one name: see what the one that is there says, and move away the one that is wrong.',
    facts: { path: file },
  });
}
