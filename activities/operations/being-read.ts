/**
 * What a restore of this host is just reading, noted in state: a backup whose time is over while somebody restores it is
 * left for the next prune. Of a restore on another host nobody here knows: that one fails, and promotes nothing.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from '../storage/holder.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';
import type { Work } from '../work.ts';

export interface Reading {
  readonly site: Site;
  readonly backups: readonly Catalogued[];
  readonly work: Pick<Work, 'log'>;
}

const note = z.object({
  /** Folders of the backups: their keys are the same at every place. */
  folders: z.array(z.string()),
});

/** Milliseconds after which a note of another pid namespace, of which nobody knows whether it lives, counts as dead. */
const FOREIGN = 24 * 3_600_000;

/** Runs `body`, during which no prune of this host deletes these backups. */
export async function whileReading<T>({ site, backups, work }: Reading, body: () => Promise<T>): Promise<T> {
  const file = path.join(notesOf(site), `${randomUUID()}${holderTag(thisHolder())}`);
  try {
    // A host without state, as one that only restores, has no prune of its own; and a restore makes none.
    const { state } = site;
    const hasState = await translated(state, 'looking for state', () => ifThere(stat(state)));
    if (hasState) await writeMemoryFile(file, { folders: backups.map(({ folder }) => folder) });
  } catch (error) {
    // State that is full, or that this user may not write to, must keep nobody from a restore.
    if (!(error instanceof BackupError)) throw error;
    work.log.warn({ problem: error.message }, 'a prune beside this restore is not told of it');
  }
  try {
    return await body();
  } finally {
    await rm(file, { force: true });
  }
}

/** Folders of the backups that are being read now. What dead processes have noted is removed. */
export async function foldersBeingRead(site: Site): Promise<ReadonlySet<string>> {
  const notes = notesOf(site);
  const read = new Set<string>();
  const names = await translated(notes, 'looking for what is being restored', () => ifThere(readdir(notes)));
  for (const name of names ?? []) {
    const file = path.join(notes, name);
    if (await isDead(file)) await rm(file, { force: true });
    else for (const folder of (await readMemoryFile(file, note))?.folders ?? []) read.add(folder);
  }
  return read;
}

async function isDead(file: string): Promise<boolean> {
  const holder = holderOfName(file);
  // One that is just being written bears no holder at the end of its name yet.
  const alive = holder && (await isAlive(holder));
  if (alive !== undefined) return !alive;
  const found = await ifThere(stat(file));
  return found !== undefined && Date.now() - found.mtimeMs > FOREIGN;
}

function notesOf({ state }: Site): string {
  return path.join(state, 'reading');
}
