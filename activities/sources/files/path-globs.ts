/**
 * Paths as `restore --path` and `browse` take them: from the root, with `*` and `?` for anything but a slash, `[a-z]`, `**` as a name for any folders, and a
 * backslash before a character that is meant as it is. What is there under the very name that was written is meant by it, whatever is in that name.
 */
import { bytesOf, showName, showPath } from './names.ts';
import { nearPaths } from './near.ts';
import { expression } from './patterns.ts';
import { BackupError } from '../../../model/errors.ts';

const SPECIAL = /[*?[\\]/;

/**
 * What a path means among those that there are (from the root, without the leading slash): the top of each tree, sorted.
 * @throws BackupError `not-found`, with those that come near.
 */
export function meantBy(asked: string, paths: Iterable<string>): readonly string[] {
  const all = [...paths];
  const name = asked.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  if (name === '') return topsOf(all);
  const known = new Set(all);
  if (known.has(name) || all.some((each) => each.startsWith(`${name}/`))) return [name];
  const shown = all.find((each) => showName(each) === name);
  if (shown !== undefined) return [shown];
  const found = SPECIAL.test(name) ? topsOf(all.filter(globMatcher(name))) : [];
  if (found.length > 0) return found;
  const near = nearPaths(name, all).map(showPath);
  throw new BackupError('not-found', `the backup has no ${showPath(name)}`, {
    remedy: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Look at what it has: mosaic-backup browse.',
    facts: { path: name, near },
  });
}

/** Without those below another one. */
function topsOf(paths: readonly string[]): readonly string[] {
  const all = new Set(paths);
  return paths.filter((each) => !foldersOf(each).some((folder) => all.has(folder))).toSorted();
}

function foldersOf(path: string): readonly string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}

/** Whether a path is one of a glob's. */
function globMatcher(glob: string): (path: string) => boolean {
  const names = bytesOf(glob).split('/');
  const parts = names.map((name, at) => {
    const isLast = at === names.length - 1;
    if (name === '**') return isLast ? '.+' : '(?:[^/]+/)*';
    return `${expression(name)}${isLast ? '' : '/'}`;
  });
  const whole = new RegExp(`^${parts.join('')}$`, 's');
  return (path) => whole.test(bytesOf(path));
}
