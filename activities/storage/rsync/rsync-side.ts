/** A server that lets rsync in and nothing else (`rrsync`): it reads, renames and deletes only as far as rsync does. */
import type { Link } from './link.ts';
import { sizeOf } from './list.ts';
import { putByRsync } from './rsync-put.ts';
import { digestHere, openHere } from './rsync-read.ts';
import { removeThere } from './rsync-remove.ts';
import { readSmall, storeSmall, touchThere } from './rsync-small.ts';
import { foldersAbove } from './settle.ts';
import type { RsyncSideOptions, Side } from './side.ts';
import { withSpool } from './spool.ts';

export function rsyncSide(link: Link, options: RsyncSideOptions): Side {
  const { state } = options;
  return {
    read: (names) => readSmall(link, state, names),
    open: (key) => openHere(link, state, key),
    digest: (key, work) => digestHere(link, state, { name: key, work, phase: `reading ${key} back` }),
    store: (name, bytes, replace) => storeSmall(link, state, { name, bytes, replace }),
    put: (upload) => putByRsync(link, options, upload),
    remove: (key) => remove(link, state, key),
    free: async () => null,
    device: async () => `server:${link.server.host}`,
    clock: async () => null,
    probe: () => touchThere(link, state),
  };
}

function remove(link: Link, state: string, key: string): Promise<void> {
  return withSpool(state, async (stage) => {
    // The look for it looks for the marker as well: what is not mounted is not there either.
    if ((await sizeOf(link, key)) === undefined) return;
    await removeThere(link, [key, ...foldersAbove(key)], stage, `deleting ${key}`);
  });
}
