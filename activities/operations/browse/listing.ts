/** What of a backup's entries is listed: a folder's own, or all below it, or what a glob means. Pure. */
import { meantBy } from '../../sources/files/path-globs.ts';
import type { HeldEntry } from './entries.ts';

/**
 * @param entries sorted.
 * @param asked a path from the root, or a glob; the root when empty.
 * @throws BackupError `not-found`, with those that come near.
 */
export function listed(entries: readonly HeldEntry[], asked: string, recursive: boolean): readonly HeldEntry[] {
  const paths = entries.map(({ path }) => path);
  const name = asked.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  const meant = name === '' ? [''] : meantBy(asked, paths);
  const [only] = meant;
  // One folder is opened, as ls does; of several what they are is said.
  if (meant.length === 1 && only !== undefined && (recursive || isFolder(entries, only)))
    return recursive ? below(entries, only) : childrenOf(entries, only);
  if (recursive) return meant.flatMap((one) => below(entries, one));
  const wanted = new Set(meant);
  return entries.filter(({ path }) => wanted.has(path));
}

function isFolder(entries: readonly HeldEntry[], path: string): boolean {
  return path === '' || entries.some((entry) => entry.path.startsWith(`${path}/`) || isEmptyFolder(entry, path));
}

function isEmptyFolder({ path, kind }: HeldEntry, asked: string): boolean {
  return path === asked && kind === 'directory';
}

function below(entries: readonly HeldEntry[], folder: string): readonly HeldEntry[] {
  if (folder === '') return entries;
  return entries.filter(({ path }) => path === folder || path.startsWith(`${folder}/`));
}

function childrenOf(entries: readonly HeldEntry[], folder: string): readonly HeldEntry[] {
  const start = folder === '' ? 0 : folder.length + 1;
  const found = new Map<string, HeldEntry>();
  for (const entry of entries) {
    if (entry.path.length <= start || (folder !== '' && !entry.path.startsWith(`${folder}/`))) continue;
    const end = entry.path.indexOf('/', start);
    const path = end < 0 ? entry.path : entry.path.slice(0, end);
    if (end < 0) found.set(path, entry);
    // One that the inventory does not describe: it only leads to what was captured.
    else if (!found.has(path)) found.set(path, { path, kind: 'directory', size: null });
  }
  return [...found.values()];
}
