/**
 * Up to which day a destination has all logs of a source, in state: four weeks of them are eight thousand backups, and
 * a tick that has nothing to copy must not list them all. Lost or old, everything is compared again.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { makePath, publish, writeNew } from '../storage/durable.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { parseRecord } from '../storage/record.ts';

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
  const file = fileOf(of);
  const bytes = await translated(file, 'reading what was copied', () => ifThere(readFile(file)));
  if (bytes === undefined) return undefined;
  try {
    const found = parseRecord(bytes, memory, `memory ${file}`);
    const age = now - Date.parse(found.compared);
    // A clock that was set back makes it no younger.
    return age >= 0 && age < COMPARE_ALL ? found : undefined;
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

export async function writeCopiedDays(of: CopyTarget, value: CopiedDays): Promise<void> {
  const file = fileOf(of);
  await translated(file, 'remembering what was copied', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await writeNew(temporary, Buffer.from(`${JSON.stringify(value)}\n`));
      await publish(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

function fileOf({ site, source, destination }: CopyTarget): string {
  return path.join(site.state, 'sources', source, 'copied', `${destination}.json`);
}
