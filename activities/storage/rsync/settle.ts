/** Names that are durable: the end of each script that changes any. */
import path from 'node:path';
import { quote } from './quote.ts';

/** Makes names durable: the folders of a key, up to the destination's own. An old sync takes no names, and syncs all. */
export const SETTLE = `settle() { for d; do [ ! -e "$d" ] || sync -- "$d" 2>/dev/null || { sync; break; }; done; }`;

/** The folders that a key lies in, the deepest first, without the destination's own. */
export function foldersAbove(key: string): readonly string[] {
  const folder = path.posix.dirname(key);
  return folder === '.' ? [] : [folder, ...foldersAbove(folder)];
}

export function settled(key: string): string {
  return `settle ${[...foldersAbove(key).map((folder) => quote(folder)), '.'].join(' ')}`;
}
