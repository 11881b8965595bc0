import { existsSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Bytes of all regular files below a folder, but for caches that a peer could make again; 0 where there is none. */
export async function folderBytes(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'cache') bytes += await folderBytes(place);
    if (entry.isFile()) bytes += (await lstat(place)).size;
  }
  return bytes;
}
