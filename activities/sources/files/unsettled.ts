/** What changed while it was captured, so that nothing can be compared with it. */
import { lstat } from 'node:fs/promises';
import type { FileEntry } from '../../../model/inventory.ts';
import type { Message } from './messages.ts';
import { bufferOf } from './names.ts';

/** Entries for the inventory that replace what was listed before. */
export function unsettledEntries(messages: readonly Message[]): Promise<readonly FileEntry[]> {
  const changed = messages.filter(({ kind }) => kind === 'changed' || kind === 'unreadable');
  return Promise.all(Array.from(new Set(changed.map(({ path }) => path)), unsettled));
}

async function unsettled(path: string): Promise<FileEntry> {
  const nothing = {
    path,
    type: 'file',
    size: 0,
    mode: '000',
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
