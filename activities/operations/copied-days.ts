/**
 * Up to which day a destination has all logs of a source, in state: four weeks of them are eight thousand backups, and
 * a tick that has nothing to copy must not list them all. Lost or old, everything is compared again.
 */
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../site.ts';
import { readMemoryFile, writeMemoryFile } from '../storage/memory-file.ts';

const memory = z.looseObject({
  /** `2026-11-24`: everything of the days before was there. */
  before: z.string(),
  /** RFC 3339: when all days were compared last. */
  compared: z.string(),
});
export type CopiedDays = z.infer<typeof memory>;

export interface CopyTarget {
  readonly site: Site;
  readonly source: string;
  readonly destination: string;
}

/** Milliseconds after which all days are compared again: what somebody removed at a destination is made up for then. */
const COMPARE_ALL = 6 * 3_600_000;

/** Undefined where all days are to be compared. */
export async function readCopiedDays(of: CopyTarget, now: number): Promise<CopiedDays | undefined> {
  const found = await readMemoryFile(fileOf(of), memory);
  if (found === undefined) return undefined;
  const age = now - Date.parse(found.compared);
  // A clock that was set back makes it no younger.
  return age >= 0 && age < COMPARE_ALL ? found : undefined;
}

export function writeCopiedDays(of: CopyTarget, value: CopiedDays): Promise<void> {
  return writeMemoryFile(fileOf(of), value);
}

function fileOf({ site, source, destination }: CopyTarget): string {
  return path.join(site.state, 'sources', source, 'copied', `${destination}.json`);
}
