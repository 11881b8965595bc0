/**
 * How much of a server's logs one step may receive. After an outage there may be more than the disk has room for, or than
 * is packed before the step's deadline: what is received is sealed and removed first, then comes the rest.
 */
import { BackupError } from '../../model/errors.ts';
import { formatBytes } from '../../model/units.ts';
import { freeSpace } from '../storage/space.ts';

/** Free space that is left alone, in bytes: a full disk of state would stop everything on this host. */
const SPARE_BYTES = 64 * 2 ** 20;
/** What one step should receive and pack at most, in bytes: about as much as its time is enough for. */
export const MOST_BYTES = 4 * 2 ** 30;

/** Bytes that may be received into a folder now. The other half of what is free is for what is packed of it. */
export async function roomFor(folder: string): Promise<number> {
  const free = await freeSpace(folder);
  return Math.max(0, (free - SPARE_BYTES) / 2);
}

/** Nothing can be received, not even the least that makes sense, and nothing lies there that could be sealed first. */
export async function noRoom(folder: string, least: number): Promise<BackupError> {
  const [free, needed] = [await freeSpace(folder), SPARE_BYTES + 2 * least];
  return new BackupError(
    'no-space',
    `${folder} has ${formatBytes(free)} free, and ${formatBytes(needed)} are needed to receive logs. The server keeps them meanwhile, up to its limit.`,
    {
      remedy: `Free at least ${formatBytes(needed - free)} there, or move the state folder to a bigger disk.`,
      facts: { path: folder, free, needed, short: needed - free },
    },
  );
}
