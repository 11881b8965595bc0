/** The folder of a restore of a recovery point: a record in it says of what it is, so that the same restore goes on there, and another one is refused. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { pinnedReference, type PinnedReference } from '../../../model/reference.ts';
import { makeOpenPath } from '../../storage/durable.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';
import { requireSpace } from '../../storage/space.ts';

export interface PointFolder {
  /** Of the point. */
  readonly id: string;
  readonly created: string;
  /** An absolute path: new, empty, or where the same restore was cut off. */
  readonly to: string;
  readonly sources: readonly { readonly source: string; readonly backup: PinnedReference; readonly bytes: number }[];
}

/** What a restore leaves in its folder, so that the next one goes on. */
const RECORD = '.mosaic-restore.json';
const record = z.object({ point: z.string(), created: z.string(), begun: z.record(z.string(), pinnedReference) });

/**
 * Makes the folder, and looks for the room for what is lacking in it. Done twice it gives the same.
 * @returns the sources that are restored there: each got its folder by one rename, when all of it was right.
 * @throws BackupError `not-empty`, `no-space`.
 */
export async function preparePointFolder({ id, created, to, sources }: PointFolder): Promise<readonly string[]> {
  if (!path.isAbsolute(to)) throw new BackupError('usage', `the target ${to} is not an absolute path`);
  const before = await recordIn(to, { id, created });
  const existed: string[] = [];
  const begun = new Map(Object.entries(before?.begun ?? {}));
  for (const { source, backup } of sources) {
    const isOurs = begun.get(source)?.sha256 === backup.sha256;
    const found = await isThere(path.join(to, source));
    if (found && isOurs) existed.push(source);
    // What somebody else has put there is in the way, and never taken for restored.
    else if (!found) begun.set(source, backup);
  }
  const lacking = sources.filter(({ source }) => !existed.includes(source));
  await requireSpace({ path: to, needed: lacking.reduce((sum, { bytes }) => sum + bytes, 0) });
  await translated(to, 'making the target', () => makeOpenPath(to));
  await writeMemoryFile(path.join(to, RECORD), { point: id, created, begun: Object.fromEntries(begun) });
  return existed;
}

/** What an earlier restore of the same point has left; undefined where the folder is new or empty. @throws BackupError `not-empty`. */
async function recordIn(
  to: string,
  { id, created }: Pick<PointFolder, 'id' | 'created'>,
): Promise<z.infer<typeof record> | undefined> {
  const entries = await translated(to, 'looking at the target', () => ifThere(readdir(to)));
  if (entries === undefined || entries.length === 0) return undefined;
  const known = entries.includes(RECORD) ? await readMemoryFile(path.join(to, RECORD), record) : undefined;
  if (known?.point === id && known.created === created) return known;
  throw new BackupError(
    'not-empty',
    known === undefined
      ? `${to} is not empty: it has ${entries.slice(0, 3).join(', ')}${entries.length > 3 ? ', …' : ''}. Nothing was changed.`
      : `${to} holds a restore of ${known.point}, and not of this ${id}. Nothing was changed.`,
    { remedy: 'Choose a new or empty folder.', facts: { path: to } },
  );
}

async function isThere(folder: string): Promise<boolean> {
  return ((await ifThere(readdir(folder))) ?? []).length > 0;
}
