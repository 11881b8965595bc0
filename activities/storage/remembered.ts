/** A catalogue's entries: those whose manifests are remembered are not read again, unless they are other ones now. */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { Catalogued, CatalogueProblem } from './catalogue.ts';
import { readManifestCache, writeManifestCache, type ManifestCache } from './manifest-cache.ts';
import type { ListedObject, Store } from './types.ts';

type Entry = Catalogued | CatalogueProblem | undefined;

export interface EntryReader {
  /** Reads manifests; one result for each, in their order. */
  readonly read: (objects: readonly ListedObject[]) => Promise<readonly Entry[]>;
  /** The entry of a manifest that was read before. */
  readonly known: (folder: string, manifest: Manifest) => Catalogued;
}

/** A place with fewer manifests is read as it is. */
const FEW = 64;
/** To write all of it again for a few would cost more than to read those again the next time. */
const WORTH_WRITING = 0.02;

/** @param listed manifests, in the order in which their entries are wanted. */
export async function readRemembered(
  { remembers }: Pick<Store, 'remembers'>,
  listed: readonly ListedObject[],
  { read, known }: EntryReader,
): Promise<readonly Entry[]> {
  if (remembers === undefined || listed.length < FEW) return read(listed);
  const before = await readManifestCache(remembers);
  const isSame = ({ key, version }: ListedObject) =>
    version !== undefined && before.get(path.posix.dirname(key))?.version === version;
  const others = listed.filter((object) => !isSame(object));
  const anew = new Map((await read(others)).map((entry, index) => [others[index]?.key, entry] as const));
  if (others.length > listed.length * WORTH_WRITING) await remember(remembers, before, { listed, anew });
  return listed.map(({ key }) => {
    if (anew.has(key)) return anew.get(key);
    const folder = path.posix.dirname(key);
    const same = before.get(folder);
    return same && known(folder, same.manifest);
  });
}

interface Looked {
  readonly listed: readonly ListedObject[];
  /** What was read, by keys. */
  readonly anew: ReadonlyMap<string | undefined, Entry>;
}

/** What was not listed this time stays only where it was not looked for. A state folder that is full costs time, and nothing else. */
async function remember(file: string, before: ManifestCache, { listed, anew }: Looked): Promise<void> {
  const tops = new Set(listed.map(({ key }) => topOf(key)));
  const now = new Map([...before].filter(([folder]) => !tops.has(topOf(folder))));
  for (const { key, version } of listed) {
    const folder = path.posix.dirname(key);
    const entry = anew.get(key);
    const same = anew.has(key) ? undefined : before.get(folder);
    if (same) now.set(folder, same);
    if (entry && 'manifest' in entry && version !== undefined) now.set(folder, { version, manifest: entry.manifest });
  }
  try {
    await writeManifestCache(file, now);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
  }
}

function topOf(key: string): string {
  return key.split('/', 1)[0] ?? '';
}
