/** The catalogue: the manifests themselves, of the repository or of any destination. Nothing else is needed to list or restore. */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { orderOf, type Manifest } from '../../model/manifest.ts';
import { isFolderOf, MANIFEST } from '../../model/paths.ts';
import { formatReference, matchReference } from '../../model/reference.ts';
import type { BackupName, PinnedReference } from '../../model/reference.ts';
import { knowDigest, manifestDigest, parseManifest } from './manifest-file.ts';
import { inParallel } from './parallel.ts';
import { cacheOf, readRemembered } from './remembered.ts';
import type { ListedObject, Store } from './types.ts';

export { pinned } from './manifest-file.ts';

export interface Catalogued {
  readonly name: BackupName;
  /** Key of the backup's folder. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A folder with a manifest that is no backup: why, in words. */
export interface CatalogueProblem {
  readonly folder: string;
  readonly problem: string;
}

export interface Catalogue {
  /** In the order of their folders; no two bear one name. */
  readonly backups: readonly Catalogued[];
  readonly problems: readonly CatalogueProblem[];
  /** Backups that count, with what somebody has done to them at that place. */
  readonly warnings: readonly CatalogueProblem[];
}

/** Top-level folders that hold backups. Evidence and recovery points are not walked. */
const TOP = ['configs', 'daily', 'logs', 'monthly', 'weekly', 'yearly'] as const;
/** Manifests read at once: enough to hide the latency of a remote store. */
const PARALLEL = 16;
/** No manifest is so big; a bigger file is somebody's mistake or attack. */
const LARGEST = 64 * 2 ** 20;

export interface CatalogueOptions {
  /** False leaves logs out, and reads none of their manifests: 288 a day would make each look slow. Default true. */
  readonly logs?: boolean;
}

/** Every backup that a store holds. One bad manifest never hides the others: it becomes a problem. */
export async function readCatalogue(store: Store, options: CatalogueOptions = {}): Promise<Catalogue> {
  const listed = await manifestsOf(store, options);
  const entries = await readEntries(store, listed, options);
  const backups = new Map<string, Catalogued>();
  const problems: CatalogueProblem[] = [];
  for (const entry of entries) {
    if (entry === undefined) continue;
    if ('problem' in entry) {
      problems.push(entry);
      continue;
    }
    const reference = formatReference(entry.name);
    const first = backups.get(reference);
    if (first === undefined) backups.set(reference, entry);
    else
      problems.push({
        folder: entry.folder,
        problem: `It bears the name of another: ${reference} is in ${first.folder}.`,
      });
  }
  const warnings = listed.flatMap(({ key, problem }) =>
    problem === undefined ? [] : [{ folder: path.posix.dirname(key), problem }],
  );
  return { backups: [...backups.values()], problems, warnings };
}

/** The backups that a store holds, without what could not be read (`readCatalogue` tells that too). */
export async function listBackups(store: Store, options: CatalogueOptions = {}): Promise<readonly Catalogued[]> {
  return (await readCatalogue(store, options)).backups;
}

/** A part of what a store holds, in the order of folders. */
export interface CataloguePage {
  readonly backups: readonly Catalogued[];
  readonly problems: readonly CatalogueProblem[];
  /** The key of its last manifest, where more come behind it. */
  readonly next: string | null;
}

/** The next backups of a store, logs too. @param after the key that the page before ended with; null for the first page. */
export async function readPage(store: Store, after: string | null, limit: number): Promise<CataloguePage> {
  const listed: ListedObject[] = [];
  for (const top of TOP) {
    // Tops are walked in the order of keys: what lies before the last key's has been seen.
    if (after !== null && top < (after.split('/')[0] ?? '')) continue;
    for await (const object of store.list(top, { named: MANIFEST })) {
      if (after !== null && object.key <= after) continue;
      listed.push(object);
      if (listed.length > limit) break;
    }
    if (listed.length > limit) break;
  }
  const page = listed.slice(0, limit);
  const entries = await inParallel(page, PARALLEL, (object) => readEntry(store, object));
  return {
    backups: entries.flatMap((entry) => (entry && 'manifest' in entry ? [entry] : [])),
    problems: entries.flatMap((entry) => (entry && 'problem' in entry ? [entry] : [])),
    next: listed.length > limit ? (page.at(-1)?.key ?? null) : null,
  };
}

/**
 * The one backup that a reference means. It may be shortened, or be the backup's folder.
 * @throws BackupError `not-found`, or `ambiguous` with the matches.
 */
export function findBackup(catalogue: readonly Catalogued[], reference: string): Catalogued {
  const byFolder = catalogue.find(({ folder }) => folder === reference);
  if (byFolder !== undefined) return byFolder;
  const names = matchReference(
    reference,
    catalogue.map(({ name }) => name),
  );
  const [name, second] = names;
  if (name === undefined) {
    throw new BackupError('not-found', `There is no backup "${reference}" here.`, {
      remedy: whatThereIs(catalogue, reference),
      facts: { reference },
    });
  }
  if (second !== undefined) {
    const matches = names.map((match) => formatReference(match));
    throw new BackupError('ambiguous', `"${reference}" means ${matches.length} backups: ${abridged(matches)}.`, {
      remedy: `Write more of the one that you mean, as in ${formatReference(name)}.`,
      facts: { reference, matches },
    });
  }
  const found = catalogue.find((entry) => entry.name === name);
  if (found === undefined) throw new TypeError('matchReference gives names of the catalogue');
  return found;
}

/** Whoever names a source means its newest. */
function whatThereIs(catalogue: readonly Catalogued[], reference: string): string {
  const [source] = reference.split('/');
  const ofSource = catalogue.filter(({ manifest }) => manifest.source === source && manifest.kind !== 'logs');
  const newest = ofSource.toSorted((a, b) => orderOf(a.manifest) - orderOf(b.manifest)).at(-1);
  if (newest) {
    const named = formatReference(newest.name);
    return `"${source}" is a source: its newest is ${named}; a restore takes \`latest --source ${source}\` for it.`;
  }
  return 'See `mosaic-backup list` for what there is; a reference is <tier>/<source>/<id>, or shorter where it is unique.';
}

/**
 * The one backup that a pinned reference means.
 * @throws BackupError `not-found`, or `conflict` when another backup bears its name.
 */
export function findPinned(catalogue: readonly Catalogued[], { reference, sha256 }: PinnedReference): Catalogued {
  const found = findBackup(catalogue, reference);
  if (formatReference(found.name) === reference && manifestDigest(found.manifest) === sha256) return found;
  throw new BackupError('conflict', `What bears the name ${reference} now is another backup than was meant.`, {
    remedy: 'See with `mosaic-backup verify` what it is, and who has put it there.',
    facts: { reference, sha256 },
  });
}

/**
 * A backup with all that it builds on, full first.
 * @throws BackupError `not-found` when a parent is missing, `verification-failed` when it is not the one that the child was made from.
 */
export function chainOf(catalogue: readonly Catalogued[], backup: Catalogued): readonly Catalogued[] {
  const byReference = new Map(catalogue.map((entry) => [formatReference(entry.name), entry]));
  const chain = [backup];
  const seen = new Set<string>([formatReference(backup.name)]);
  for (let child = backup; child.manifest.parent !== null;) {
    const { reference, sha256 } = child.manifest.parent;
    const parent = byReference.get(reference);
    if (parent === undefined) throw parentMissing(child, reference);
    if (seen.has(reference) || manifestDigest(parent.manifest) !== sha256) throw parentChanged(child, reference);
    seen.add(reference);
    chain.unshift(parent);
    child = parent;
  }
  return chain;
}

function topsOf({ logs = true }: CatalogueOptions): readonly string[] {
  return TOP.filter((each) => logs || each !== 'logs');
}

async function manifestsOf(store: Store, options: CatalogueOptions): Promise<readonly ListedObject[]> {
  const found: ListedObject[] = [];
  for (const top of topsOf(options)) {
    for await (const object of store.list(top, { named: MANIFEST })) found.push(object);
  }
  return found;
}

type Entry = Catalogued | CatalogueProblem | undefined;

function readEntries(
  store: Store,
  listed: readonly ListedObject[],
  options: CatalogueOptions,
): Promise<readonly Entry[]> {
  const tops = topsOf(options);
  return readRemembered<Manifest, Entry>(listed, {
    cache: cacheOf(store, 'manifests'),
    read: (objects) => inParallel(objects, PARALLEL, (object) => readEntry(store, object)),
    keep: (entry) =>
      entry && 'manifest' in entry ? { note: manifestDigest(entry.manifest), value: entry.manifest } : undefined,
    known(key, { note, value }) {
      knowDigest(value, note);
      // That it lies where it belongs was seen when it was read.
      return { name: nameOf(value), folder: path.posix.dirname(key), manifest: value };
    },
    lookedFor: (key) => tops.some((top) => key.startsWith(`${top}/`)),
  });
}

/** One backup, or why it is none; undefined where it was deleted since it was listed. */
export async function readEntry(
  store: Store,
  object: ListedObject,
): Promise<Catalogued | CatalogueProblem | undefined> {
  const folder = path.posix.dirname(object.key);
  if (object.bytes > LARGEST)
    return { folder, problem: `The manifest has ${object.bytes} bytes, which no manifest has.` };
  try {
    const bytes = await store.readSmall(object.key);
    // It was deleted since it was listed.
    if (bytes === undefined) return undefined;
    return entryOf(folder, bytes);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable' || error.code === 'aborted') throw error;
    return { folder, problem: error.message };
  }
}

function entryOf(folder: string, bytes: Uint8Array): Catalogued {
  const manifest = parseManifest(bytes);
  const name = nameOf(manifest);
  if (isFolderOf(folder, name)) return { name, folder, manifest };
  throw new BackupError(
    'verification-failed',
    `The manifest is of another backup: it says that it is ${formatReference(name)}.`,
    {
      remedy: 'Move the folder back to where it belongs.',
    },
  );
}

function nameOf({ tier, source, id }: Manifest): BackupName {
  return { tier, source, id };
}

function abridged(matches: readonly string[]): string {
  return matches.length <= 5 ? matches.join(', ') : `${matches.slice(0, 5).join(', ')} and ${matches.length - 5} more`;
}

function parentMissing(child: Catalogued, parent: string): BackupError {
  const reference = formatReference(child.name);
  return new BackupError(
    'not-found',
    `${reference} builds on ${parent}, which is not here: it cannot be restored from this place.`,
    {
      remedy: `Look for ${parent} at another destination; copying it here makes ${reference} whole again.`,
      facts: { reference, parent },
    },
  );
}

function parentChanged(child: Catalogued, parent: string): BackupError {
  const reference = formatReference(child.name);
  return new BackupError(
    'verification-failed',
    `${reference} builds on ${parent}, but the backup of that name here is another one.`,
    {
      remedy: `Look for the right ${parent} at another destination.`,
      facts: { reference, parent },
    },
  );
}
