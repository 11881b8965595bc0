/** A folder as a store: the repository, a mounted disk, a network share. */
import { lstat, open as openFile, readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { BackupError } from '../../model/errors.ts';
import { isKey } from '../../model/paths.ts';
import { fileStream } from '../streams/blocks-of.ts';
import type { Work } from '../work.ts';
import { makeFolders, publish, syncFolder, writeNew } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { incomingFile } from './incoming.ts';
import { readBack } from './read-back.ts';
import type { ListedObject, ListOptions, LocalStore, Stored, WritableStore } from './types.ts';

/** A folder as a store. A missing one is empty: whether that is right, `place.ts` knows. */
export function directoryStore(root: string): LocalStore & WritableStore {
  return {
    file: (key) => fileOf(root, key),
    list: (prefix, options) => listFolder(root, prefix, options ?? {}),
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

async function* listFolder(root: string, prefix: string, { named }: ListOptions): AsyncGenerator<ListedObject> {
  const folder = prefix === '' ? root : fileOf(root, prefix);
  yield* walk(folder, prefix, named);
}

/** The folder of a backup: the one object of a name in it is asked for by itself. Logs are fewer, and have other names. */
const BACKUP_FOLDER = /^\d{8}T\d{6}Z-(?:full|incremental)$/;
/** Objects looked at at once. */
const PARALLEL = 64;

/** Folders that are opened ahead of the one that is read: the latency of a share is met once for all of them. */
const AHEAD = 32;

async function* walk(
  folder: string,
  key: string,
  named: string | undefined,
  opened = openFolder(folder, key, named),
): AsyncGenerator<ListedObject> {
  const { parts, objects } = await opened;
  if (objects) {
    yield* objects;
    return;
  }
  const ahead = new Map<number, ReturnType<typeof openFolder>>();
  let together: string[] = [];
  for (const [index, part] of parts.entries()) {
    for (let next = index; next <= index + AHEAD && next < parts.length; next += 1) {
      const one = parts[next];
      if (one?.folder && !ahead.has(next)) ahead.set(next, open(one.name));
    }
    if (!part.folder) {
      together.push(part.name);
      if (together.length < PARALLEL) continue;
    }
    yield* await lookAt(folder, key, together);
    together = [];
    if (part.folder) yield* walk(path.join(folder, part.name), below(key, part.name), named, ahead.get(index));
    ahead.delete(index);
  }
  yield* await lookAt(folder, key, together);

  function open(name: string): ReturnType<typeof openFolder> {
    const opening = openFolder(path.join(folder, name), below(key, name), named);
    // Whoever reads it is told; until then its failure must not count as unhandled.
    opening.catch(() => undefined);
    return opening;
  }
}

/** A file, or what of the folder of a backup is asked for; else a folder to be read. */
interface Part {
  readonly name: string;
  readonly folder: boolean;
}

/** A folder's parts in the order of keys; its objects besides, where it has few and no folders. */
async function openFolder(
  folder: string,
  key: string,
  named: string | undefined,
): Promise<{ readonly parts: readonly Part[]; readonly objects?: readonly ListedObject[] }> {
  const entries = await translated(folder, 'listing', () => ifThere(readdir(folder, { withFileTypes: true })));
  const parts = (entries ?? [])
    .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
    .filter((entry) => named === undefined || entry.isDirectory() || entry.name === named)
    // A folder is ordered as its children's keys are: with its slash.
    .map((entry) => ({ entry, order: entry.isDirectory() ? `${entry.name}/` : entry.name }))
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ entry }): Part => {
      const leaf = entry.isDirectory() && named !== undefined && BACKUP_FOLDER.test(entry.name);
      return { name: leaf ? `${entry.name}/${named}` : entry.name, folder: entry.isDirectory() && !leaf };
    });
  if (parts.length > PARALLEL || parts.some((part) => part.folder)) return { parts };
  return {
    parts,
    objects: await lookAt(
      folder,
      key,
      parts.map(({ name }) => name),
    ),
  };
}

function below(key: string, name: string): string {
  return key === '' ? name : `${key}/${name}`;
}

/** Milliseconds: what was changed so shortly ago may be changed again without another time. */
const YOUNG = 2000;

/** Objects of a folder in their order, without those that are gone. */
async function lookAt(folder: string, key: string, names: readonly string[]): Promise<readonly ListedObject[]> {
  const found = await Promise.all(
    names.map(async (name): Promise<ListedObject | undefined> => {
      const at = await ifThere(lstat(path.join(folder, name), { bigint: true }));
      if (at === undefined || !at.isFile()) return undefined;
      const old = Number(at.ctimeMs) < Date.now() - YOUNG;
      return {
        key: below(key, name),
        bytes: Number(at.size),
        ...(old && { version: `${at.ctimeNs}-${at.ino}-${at.size}` }),
      };
    }),
  );
  return found.filter((each) => each !== undefined);
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
    const temporary = await incomingFile(root, key);
    try {
      await writeNew(temporary, bytes);
      await makeFolders(root, path.posix.dirname(key));
      await publish(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
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
