/**
 * The files below a folder, in the order of keys. Made for very many: a promise for each look at a file costs more than the
 * look itself, so that many looks share one.
 */
import { lstat, readdir, type BigIntStats, type Dirent } from 'node:fs';
import { isGone, storageError } from './fs-errors.ts';
import type { ListedObject, ListOptions } from './types.ts';

/** A folder of this host, and its key: '' is the root's. */
interface Folder {
  readonly at: string;
  readonly key: string;
}

/** A missing folder is empty. @param key of the folder. */
export async function* walkFolder(at: string, key: string, { named }: ListOptions): AsyncGenerator<ListedObject> {
  const folder = { at, key };
  const [found = []] = await together<Found>(1, (_index, settle) => openFolder(folder, named, settle));
  for await (const objects of walk(folder, found, named)) yield* objects;
}

/** The folder of a backup: the one object of a name in it is asked for by itself. Logs are fewer, and have other names. */
const BACKUP_FOLDER = /^\d{8}T\d{6}Z-(?:full|incremental)$/;
/** Parts of a folder that are looked at at once, with as many ahead of them: the latency of a share is met once for all. */
const AT_ONCE = 64;

/** A file, or what of the folder of a backup is asked for; else a folder to be opened. */
interface Part {
  readonly name: string;
  readonly folder: boolean;
}

/** The objects of a file or of a small folder; the parts of a larger one, which is walked by itself. */
type Found = readonly ListedObject[] | { readonly parts: readonly Part[] };

async function* walk(folder: Folder, found: Found, named: string | undefined): AsyncGenerator<readonly ListedObject[]> {
  if (!('parts' in found)) {
    yield found;
    return;
  }
  const { parts } = found;
  let coming = ahead(0);
  for (let first = 0; first < parts.length; first += AT_ONCE) {
    const looked = await coming;
    coming = ahead(first + AT_ONCE);
    let objects: ListedObject[] = [];
    for (const [index, each] of looked.entries()) {
      if ('parts' in each) {
        yield objects;
        objects = [];
        yield* walk(below(folder, parts[first + index]?.name ?? ''), each, named);
      } else objects.push(...each);
    }
    yield objects;
  }

  function ahead(first: number): Promise<readonly Found[]> {
    const some = parts.slice(first, first + AT_ONCE);
    const looking = together<Found>(some.length, (index, settle) => look(folder, some[index], named, settle));
    // Whoever takes it is told; until then its failure must not count as unhandled.
    looking.catch(() => undefined);
    return looking;
  }
}

/** How an operation says what came of it, once. */
interface Settle<Result> {
  readonly done: (result: Result) => void;
  readonly failed: (error: unknown) => void;
}

/** One promise for several operations; their results are in their order. */
function together<Result>(
  count: number,
  start: (index: number, settle: Settle<Result>) => void,
): Promise<readonly Result[]> {
  return new Promise((resolve, failed) => {
    const results: Result[] = [];
    let left = count;
    if (left === 0) resolve(results);
    for (let index = 0; index < count; index += 1) {
      start(index, {
        done(result) {
          results[index] = result;
          left -= 1;
          if (left === 0) resolve(results);
        },
        failed,
      });
    }
  });
}

function look(folder: Folder, part: Part | undefined, named: string | undefined, settle: Settle<Found>): void {
  if (part === undefined) settle.done([]);
  else if (part.folder) openFolder(below(folder, part.name), named, settle);
  else
    lookAtFile(folder, part.name, { ...settle, done: (object) => settle.done(object === undefined ? [] : [object]) });
}

/** A folder's objects, where it has few and no folders; else its parts, in the order of keys. One that is gone has none. */
function openFolder(folder: Folder, named: string | undefined, { done, failed }: Settle<Found>): void {
  readdir(folder.at, { withFileTypes: true }, (error, entries) => {
    if (error !== null) {
      if (isGone(error)) done([]);
      else failed(storageError(error, folder.at, 'listing'));
      return;
    }
    const parts = partsOf(entries, named);
    if (parts.length > AT_ONCE || parts.some((part) => part.folder)) {
      done({ parts });
      return;
    }
    const objects: (ListedObject | undefined)[] = [];
    let left = parts.length;
    if (left === 0) done([]);
    for (const [index, { name }] of parts.entries()) {
      lookAtFile(folder, name, {
        done(object) {
          objects[index] = object;
          left -= 1;
          if (left === 0) done(objects.filter((each) => each !== undefined));
        },
        failed,
      });
    }
  });
}

function partsOf(entries: readonly Dirent[], named: string | undefined): readonly Part[] {
  return (
    entries
      .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isFile()))
      .filter((entry) => named === undefined || entry.isDirectory() || entry.name === named)
      // A folder is ordered as its children's keys are: with its slash.
      .map((entry) => ({ entry, order: entry.isDirectory() ? `${entry.name}/` : entry.name }))
      .toSorted((a, b) => (a.order < b.order ? -1 : 1))
      .map(({ entry }): Part => {
        const leaf = entry.isDirectory() && named !== undefined && BACKUP_FOLDER.test(entry.name);
        return { name: leaf ? `${entry.name}/${named}` : entry.name, folder: entry.isDirectory() && !leaf };
      })
  );
}

/** Undefined where it is gone, or no file. */
function lookAtFile(folder: Folder, name: string, { done, failed }: Settle<ListedObject | undefined>): void {
  const { at, key } = below(folder, name);
  lstat(at, { bigint: true }, (error, stats) => {
    if (error === null) done(stats.isFile() ? objectOf(key, stats) : undefined);
    else if (isGone(error)) done(undefined);
    else failed(storageError(error, at, 'listing'));
  });
}

/** Milliseconds: what was changed so shortly ago may be changed again without another time. */
const YOUNG = 2000;

function objectOf(key: string, { size, ino, ctimeNs, ctimeMs }: BigIntStats): ListedObject {
  const old = Number(ctimeMs) < Date.now() - YOUNG;
  return { key, bytes: Number(size), ...(old && { version: `${ctimeNs}-${ino}-${size}` }) };
}

function below({ at, key }: Folder, name: string): Folder {
  return { at: `${at}/${name}`, key: key === '' ? name : `${key}/${name}` };
}
