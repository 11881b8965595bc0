/** Where tar puts what an archive of somebody else's names. */
import type { FileEntry } from '../../../model/inventory.ts';

/** An entry under the path that it is extracted to; undefined for the folder into which it is extracted. */
export function placedEntry(entry: FileEntry): FileEntry | undefined {
  const path = placed(entry.path);
  if (path === '') return undefined;
  return entry.type === 'hardlink' && entry.target !== undefined
    ? { ...entry, path, target: placed(entry.target) }
    : { ...entry, path };
}

/** tar takes a slash, and dots that lead nowhere, from the beginning of names; what leads upwards it refuses to extract. */
function placed(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
