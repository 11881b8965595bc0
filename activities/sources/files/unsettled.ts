/** What changed while it was captured, so that nothing can be compared with it. */
import { lstat } from 'node:fs/promises';
import type { FileEntry } from '../../../model/inventory.ts';
import type { Message } from './messages.ts';
import { bufferOf, textOf } from './names.ts';
import type { Snapshot } from './snapshot.ts';
import type { Folders } from './walk.ts';

/** Entries for the inventory that replace what was listed before. `folders` are the walk's, where there was one. */
export async function unsettledEntries(
  messages: readonly Message[],
  snapshot: Snapshot,
  folders: Folders | undefined,
): Promise<readonly FileEntry[]> {
  const changed = messages.filter(({ kind }) => kind === 'changed' || kind === 'unreadable');
  const paths = new Set(changed.map(({ path }) => path));
  if (folders) {
    // tar's list of a folder and the walk's may differ where entries came or went between the two.
    const listed = new Map(snapshot.folders.map(({ name, mtime }) => [name, mtime]));
    for (const [name, mtime] of folders) if (listed.get(name) !== mtime) paths.add(textOf(name));
    for (const name of listed.keys()) if (!folders.has(name)) paths.add(textOf(name));
  }
  return Promise.all([...paths].map(unsettled));
}

async function unsettled(path: string): Promise<FileEntry> {
  const nothing = {
    path,
    type: 'file',
    size: 0,
    mode: '0',
    uid: 0,
    gid: 0,
    mtime: '0.000000000',
    unsettled: true,
  } as const;
  try {
    const found = await lstat(bufferOf(`/${path}`));
    return { ...nothing, type: found.isDirectory() ? 'directory' : 'file', size: found.isFile() ? found.size : 0 };
  } catch {
    // It is gone, or cannot be looked at: that is what the mark says.
    return nothing;
  }
}
