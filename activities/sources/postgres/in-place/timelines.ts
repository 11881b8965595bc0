/**
 * Which numbers of timelines were ever given to a cluster. A number that is given twice means two histories, whose
 * segments bear the same names.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Manifest } from '../../../../model/manifest.ts';
import { ifThere } from '../../../storage/fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../../../storage/memory-file.ts';
import { historyOf, parseSegment } from '../logs/segments.ts';

const record = z.looseObject({ timeline: z.int() });
const position = z.looseObject({ timeline: z.int() });

/** Of restores in place that never came to ship anything, too. */
export async function rememberTimeline(state: string, timeline: number): Promise<void> {
  await writeMemoryFile(fileIn(state), { timeline: Math.max(timeline, await remembered(state)) });
}

/** The highest of: all backups and logs, the old data folder, what was given by restores in place. */
export async function highestTimeline(state: string, known: readonly Manifest[], data: string): Promise<number> {
  const stored = known.map((manifest) => position.safeParse(manifest.position).data?.timeline ?? 1);
  return Math.max(1, ...stored, ...(await inFolder(path.join(data, 'pg_wal'))), await remembered(state));
}

async function inFolder(wal: string): Promise<readonly number[]> {
  const names = (await ifThere(readdir(wal))) ?? [];
  // The size of segments changes their number, not their timeline.
  return names.flatMap((name) => historyOf(name) ?? parseSegment(name, 16 * 2 ** 20)?.timeline ?? []);
}

async function remembered(state: string): Promise<number> {
  return (await readMemoryFile(fileIn(state), record))?.timeline ?? 1;
}

function fileIn(state: string): string {
  return path.join(state, 'timeline.json');
}
