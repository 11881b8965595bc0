/** Deleting by rsync alone: one name that lacks here, and nothing else. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { askedOnce } from './known.ts';
import type { Link } from './link.ts';
import { literal, wayTo } from './list.ts';
import { INCOMING, rootOf, runRsync } from './program.ts';
import { quietWork } from '../quiet.ts';

/**
 * Deletes, in order, files, folders that are empty, and hidden folders with all that is in them. What is not there is
 * fine. rsync is given the folder in which it lies, empty, and may delete there what one name matches: all other names
 * are excluded, and what is excluded is left. Not by --delete-missing-args: Debian's rsync 3.2.7 takes no such list.
 */
export async function removeThere(link: Link, names: readonly string[], stage: string, doing: string): Promise<void> {
  for (const name of names) {
    const empty = await mkdtemp(path.join(stage, '.empty-'));
    await mkdir(path.join(empty, path.posix.dirname(name)), { recursive: true, mode: 0o700 });
    const filters = [...wayTo(name), ...(name.startsWith('.') ? [`+ /${literal(name)}/**`] : []), '- *'];
    await runRsync(link, 'commands', {
      args: [
        '--recursive',
        '--delete',
        // Folders of the way that are not there are not made.
        '--existing',
        ...filters.map((filter) => `--filter=${filter}`),
        `${empty}/`,
        rootOf(link),
      ],
      doing,
      work: quietWork(),
    });
  }
}

/** Whether this key may delete at all: asked once in a connection, with a name that is nowhere. */
export function mayRemove(link: Link, stage: string): Promise<boolean> {
  return askedOnce(link, 'remove', () => tryRemoving(link, stage));
}

async function tryRemoving(link: Link, stage: string): Promise<boolean> {
  try {
    await removeThere(link, [`${INCOMING}-${randomUUID()}`], stage, 'asking whether it deletes');
    return true;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'access-denied') return false;
    throw error;
  }
}
