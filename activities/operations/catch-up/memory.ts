/**
 * What a destination held of this host's repository when it was looked at last, in state: while it is away this tells how
 * far it is behind, and a tick that finds nothing new here need not list it again. Lost or old, it is compared again.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Site } from '../../site.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';

const memory = z.object({
  /** RFC 3339: when both sides were compared last; empty: never yet. */
  compared: z.string(),
  /** Folders of backups, and keys of small records with their sizes. */
  held: z.array(z.string()),
  records: z.record(z.string(), z.number()),
  /** Small records of which the place keeps an earlier one, since it lets nothing be overwritten: their sizes here. */
  kept: z.record(z.string(), z.number()).default({}),
});
export type Held = z.infer<typeof memory>;

/** Of a place that was never compared. */
export const NOTHING_HELD: Held = { compared: '', held: [], records: {}, kept: {} };

/** Milliseconds after which both sides are compared again: what somebody removed at a destination is made up for then. */
export const COMPARE_AGAIN = 6 * 3_600_000;

/** Whether nothing is owed of a small record: it is there, or cannot be. */
export function hasRecord({ records, kept }: Pick<Held, 'records' | 'kept'>, key: string, bytes: number): boolean {
  return records[key] === bytes || kept[key] === bytes;
}

export function readHeld(site: Site, destination: string): Promise<Held | undefined> {
  return readMemoryFile(fileOf(site, destination), memory);
}

export function writeHeld(site: Site, destination: string, held: Held): Promise<void> {
  return writeMemoryFile(fileOf(site, destination), held);
}

/**
 * What a run has copied counts as well: else a place that goes away before catch-up looks at it seems to lack it. Two at
 * once may lose one's note, and a state folder that is full takes none: it looks further behind then until it is compared.
 */
export async function noteHeld(site: Site, destination: string, folders: readonly string[]): Promise<void> {
  const before = (await readHeld(site, destination)) ?? NOTHING_HELD;
  const held = [...new Set([...before.held, ...folders])];
  if (held.length === before.held.length) return;
  try {
    await writeHeld(site, destination, { ...before, held });
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
  }
}

/** A place that was changed by hand, or by a repair: the next tick compares. */
export function forgetHeld(site: Site, destination: string): Promise<void> {
  return rm(fileOf(site, destination), { force: true });
}

function fileOf({ state }: Site, destination: string): string {
  return path.join(state, 'copies', `${destination}.json`);
}
