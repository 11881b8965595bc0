/** A backup in any folder: carried here on a disk, or fetched by hand. Read only. */
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { listBackups, type Catalogued } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { ifThere, translated } from '../../activities/storage/fs-errors.ts';
import { parseManifest } from '../../activities/storage/manifest-file.ts';
import type { Store, WritableStore } from '../../activities/storage/types.ts';
import { BackupError } from '../../model/errors.ts';
import { MANIFEST, possibleFolders } from '../../model/paths.ts';

export interface Standalone {
  readonly store: WritableStore;
  readonly backup: Catalogued;
  readonly catalogue: readonly Catalogued[];
}

/**
 * Opens a folder as a backup. Where it lies in the layout of a repository, its parents are found beside it.
 * @returns undefined when it holds no manifest.
 * @throws BackupError `verification-failed` when its manifest is none.
 */
export async function openStandalone(folder: string): Promise<Standalone | undefined> {
  const file = path.join(folder, MANIFEST);
  const bytes = await translated(file, 'reading the manifest', () => ifThere(readFile(file)));
  if (bytes === undefined) return undefined;
  const manifest = parseManifest(bytes);
  const name = { tier: manifest.tier, source: manifest.source, id: manifest.id };
  const real = await realpath(folder);
  const place = possibleFolders(name).find((key) => real.endsWith(`/${key}`));
  if (place === undefined) {
    const key = possibleFolders(name)[0] ?? `logs/${name.source}/${name.id}`;
    const backup = { name, folder: key, manifest };
    return {
      store: readOnly(moved(directoryStore(path.dirname(real)), key, path.basename(real))),
      backup,
      catalogue: [backup],
    };
  }
  const store = directoryStore(real.slice(0, -place.length - 1));
  return { store: readOnly(store), backup: { name, folder: place, manifest }, catalogue: await listBackups(store) };
}

/** A store in which one folder is seen under another key. */
function moved(store: Store, from: string, to: string): Store {
  const there = (key: string) => (key === from || key.startsWith(`${from}/`) ? `${to}${key.slice(from.length)}` : key);
  return {
    async *list(prefix, options) {
      for await (const { key, bytes } of store.list(there(prefix), options))
        yield { key: `${from}${key.slice(to.length)}`, bytes };
    },
    readSmall: (key) => store.readSmall(there(key)),
    open: (key) => store.open(there(key)),
    digest: (key, work) => store.digest(there(key), work),
  };
}

function readOnly(store: Store): WritableStore {
  return {
    ...store,
    putSmall: () =>
      Promise.reject(new BackupError('refused', 'The folder is no place of this site, so nothing is written to it.')),
  };
}
