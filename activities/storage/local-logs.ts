/** The logs of a source in the repository, by their days: whoever ships looks at few of them, and often. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../../model/manifest.ts';
import { MANIFEST } from '../../model/paths.ts';
import { readEntry } from './catalogue.ts';
import { ifThere, translated } from './fs-errors.ts';
import { inParallel } from './parallel.ts';
import type { LocalStore, Store } from './types.ts';

/** Manifests read at once. */
const PARALLEL = 16;

/** The folder of a source's logs. */
function logsOf(source: string): string {
  return `logs/${source}`;
}

/**
 * The days that logs of a source lie under in the repository, the last one first. Read from its folders: a walk through
 * all logs, 288 a day, would cost more than an idle tick may.
 */
export async function localLogsDays(store: LocalStore, source: string): Promise<readonly string[]> {
  return (await namesIn(store, logsOf(source)))
    .filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name))
    .toSorted((one, two) => (one < two ? 1 : -1));
}

export interface LastLogs {
  readonly day: string;
  readonly manifest: Manifest;
  /** All logs of that day. */
  readonly all: readonly Manifest[];
}

/**
 * The newest sealed logs in the repository and their day, without walking through all days.
 * @param newest which of a day's logs are the newest; undefined where none of them counts.
 */
export async function lastLocalLogs(
  store: LocalStore,
  source: string,
  newest: (manifests: readonly Manifest[]) => Manifest | undefined,
): Promise<LastLogs | null> {
  for (const day of await localLogsDays(store, source)) {
    const all = await localLogsOf(store, source, day);
    const manifest = newest(all);
    if (manifest) return { day, manifest, all };
  }
  return null;
}

/** The logs of one day in the repository. A damaged one counts as missing. */
export async function localLogsOf(store: LocalStore, source: string, day: string): Promise<readonly Manifest[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${logsOf(source)}/${day}`, { named: MANIFEST })) keys.push(key);
  return readable(store, keys);
}

/** Names of the folders below one day: what was removed is missed by them, and no manifest is read for it. */
export async function localLogsNames(store: LocalStore, source: string, day: string): Promise<readonly string[]> {
  return (await namesIn(store, `${logsOf(source)}/${day}`)).toSorted();
}

/** What lies in a folder; nothing in one that is not there, though the repository is. */
async function namesIn(store: LocalStore, key: string): Promise<readonly string[]> {
  const folder = store.file(key);
  const found = await translated(folder, 'listing', () => ifThere(readdir(folder)));
  if (found === undefined) await store.there?.();
  return found ?? [];
}

/**
 * Sealed logs of a source in the repository whose id may be of those that are looked for, the newest day first. Only
 * their manifests are read; a damaged one counts as missing.
 */
export async function* localLogs(
  store: LocalStore,
  source: string,
  mayBe: (id: string) => boolean,
): AsyncGenerator<Manifest> {
  for (const day of await localLogsDays(store, source)) {
    for await (const object of store.list(`${logsOf(source)}/${day}`, { named: MANIFEST })) {
      if (!mayBe(path.posix.basename(path.posix.dirname(object.key)))) continue;
      const entry = await readEntry(store, object);
      if (entry && 'manifest' in entry) yield entry.manifest;
    }
  }
}

/** A damaged one counts as missing: what is shipped next then tells of a hole, and no shipping stops for good. */
async function readable(store: Store, keys: readonly string[]): Promise<readonly Manifest[]> {
  const listed = keys.map((key) => ({ key, bytes: 0 }));
  const entries = await inParallel(listed, PARALLEL, (object) => readEntry(store, object));
  return entries.flatMap((entry) => (entry && 'manifest' in entry ? [entry.manifest] : []));
}
