/**
 * What a destination held of this host's repository when it was looked at last, in state: while it is away this tells how
 * far it is behind, and a tick that finds nothing new here need not list it again. Lost or old, it is compared again.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../../site.ts';
import { readMemoryFile, writeMemoryFile } from '../../storage/memory-file.ts';

const memory = z.object({
  /** RFC 3339: when both sides were compared last. */
  compared: z.string(),
  /** Folders of backups, and keys of small records with their sizes. */
  held: z.array(z.string()),
  records: z.record(z.string(), z.number()),
});
export type Held = z.infer<typeof memory>;

/** Milliseconds after which both sides are compared again: what somebody removed at a destination is made up for then. */
export const COMPARE_AGAIN = 6 * 3_600_000;

export function readHeld(site: Site, destination: string): Promise<Held | undefined> {
  return readMemoryFile(fileOf(site, destination), memory);
}

export function writeHeld(site: Site, destination: string, held: Held): Promise<void> {
  return writeMemoryFile(fileOf(site, destination), held);
}

/** A place that was changed by hand, or by a repair: the next tick compares. */
export function forgetHeld(site: Site, destination: string): Promise<void> {
  return rm(fileOf(site, destination), { force: true });
}

function fileOf({ state }: Site, destination: string): string {
  return path.join(state, 'copies', `${destination}.json`);
}
