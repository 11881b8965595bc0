/** Free space, asked before it is needed. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { formatBytes } from '../../model/units.ts';
import { ifThere } from './fs-errors.ts';

/** Free bytes for an ordinary user where a path is, or would be. */
export async function freeSpace(at: string): Promise<number> {
  const found = await ifThere(statfs(at));
  if (found !== undefined) return found.bavail * found.bsize;
  return freeSpace(path.dirname(at));
}

/** @throws BackupError `no-space`, with the numbers, when fewer than `needed` bytes are free. */
export async function requireSpace(space: { readonly path: string; readonly needed: number }): Promise<void> {
  const free = await freeSpace(space.path);
  if (free >= space.needed) return;
  throw new BackupError(
    'no-space',
    `${space.path} has ${formatBytes(free)} free, and ${formatBytes(space.needed)} are needed. Nothing was written.`,
    {
      remedy: `Free at least ${formatBytes(space.needed - free)} there, or choose a place on a bigger disk.`,
      facts: { path: space.path, free, needed: space.needed, short: space.needed - free },
    },
  );
}
