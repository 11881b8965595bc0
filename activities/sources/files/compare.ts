/** Compares a tree on disk with an inventory. */
import type { FileEntry } from '../../../model/inventory.ts';
import { showPath } from './names.ts';
import type { TreeEntry } from './tree.ts';

export interface Comparison {
  readonly compared: number;
  /** In words: `/srv/a is missing`, `/srv/b has mode 644, not 600`. */
  readonly differences: readonly string[];
  /** Paths that changed while they were captured, so that nothing can be said of them. */
  readonly unsettled: readonly string[];
  /** Paths below folders that this user may not look into, so that nothing can be said of them either. */
  readonly unseen: readonly string[];
}

export interface ComparisonOptions {
  /** Without root, files belong to whoever restores. */
  readonly owners: boolean;
}

type Entries = ReadonlyMap<string, FileEntry>;
type Tree = ReadonlyMap<string, TreeEntry>;

/** Every entry of the inventory must be there as it says, and nothing else. */
export function compareTree(expected: Entries, tree: Tree, options: ComparisonOptions): Comparison {
  const unsettled = [...expected.values()].filter((entry) => entry.unsettled === true).map(({ path }) => path);
  const loose = new Set(unsettled);
  const isLoose = (path: string): boolean => loose.size > 0 && withAbove(path).some((each) => loose.has(each));
  const ancestors = new Set([...expected.keys()].flatMap((path) => aboveRoots(path, expected)));
  const isUnseen = unseenIn(tree);
  const unseen: string[] = [];
  const differences: string[] = [];
  let compared = 0;
  for (const entry of expected.values()) {
    const found = tree.get(entry.path);
    if (found && !loose.has(entry.path)) {
      compared += 1;
      differences.push(...describe(entry, found, { expected, tree, isUnseen }, options));
    } else if (!found && !isLoose(entry.path)) {
      if (isUnseen(entry.path)) unseen.push(entry.path);
      else differences.push(`${showPath(entry.path)} is missing`);
    }
  }
  for (const path of tree.keys()) {
    if (!expected.has(path) && !ancestors.has(path) && !isLoose(path))
      differences.push(`${showPath(path)} is not in the inventory`);
  }
  return { compared, differences, unsettled, unseen };
}

/** Whether a path lies below a folder that is closed to whoever looks. */
function unseenIn(tree: Tree): (path: string) => boolean {
  const closed = new Set(
    [...tree.values()].flatMap(({ path, type, closed: is }) => (is && type === 'directory' ? path : [])),
  );
  return (path) => closed.size > 0 && withAbove(path).some((each) => each !== path && closed.has(each));
}

interface Surroundings {
  readonly expected: Entries;
  readonly tree: Tree;
  readonly isUnseen: (path: string) => boolean;
}

function describe(
  listed: FileEntry,
  found: TreeEntry,
  { expected, tree, isUnseen }: Surroundings,
  { owners }: ComparisonOptions,
): readonly string[] {
  const at = showPath(listed.path);
  const entry = resolveLink(listed, expected);
  if (found.type !== entry.type) return [`${at} is a ${found.type}, not a ${entry.type}`];
  const differences: string[] = [];
  function expect(what: string, is: string | number, wanted: string | number): void {
    if (is !== wanted) differences.push(`${at} has ${what} ${is}, not ${wanted}`);
  }
  if (entry.type === 'file') expect('size', found.size, entry.size);
  if (entry.type !== 'symlink') expect('mode', octal(found.mode), octal(entry.mode));
  if (entry.type === 'symlink') expect('target', found.target ?? '', entry.target ?? '');
  const other = listed.target ?? '';
  if (listed.type === 'hardlink' && !isUnseen(other) && tree.get(other)?.inode !== found.inode) {
    differences.push(`${at} is not a hard link to ${showPath(other)}`);
  }
  if (owners) expect('owner', `${found.uid}:${found.gid}`, `${entry.uid}:${entry.gid}`);
  expect('mtime', found.mtime, entry.mtime);
  return differences;
}

/** What a hard link is: tar lists its size as 0 and no target, for one to a symbolic link too. */
export function resolveLink(entry: FileEntry, entries: Entries): FileEntry {
  if (entry.type !== 'hardlink') return entry;
  const original = entries.get(entry.target ?? '');
  return original ? { ...original, path: entry.path } : { ...entry, type: 'file' };
}

function octal(mode: string): string {
  return mode.padStart(4, '0');
}

/** A path and all folders above it. */
function withAbove(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/** Folders that lead to what was captured: tar makes them on the way. */
function aboveRoots(path: string, expected: Entries): readonly string[] {
  const above = path.lastIndexOf('/');
  if (above < 0 || expected.has(path.slice(0, above))) return [];
  return withAbove(path.slice(0, above));
}
