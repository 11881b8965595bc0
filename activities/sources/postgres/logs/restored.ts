/** The timeline that a restore in place began, beside what is received: the logs on it begin anew. */
import path from 'node:path';
import { z } from 'zod';
import { readMemoryFile, writeMemoryFile } from '../../../storage/memory-file.ts';

const record = z.looseObject({ timeline: z.int() });

/** Undefined where the source was never restored in place, or state was lost since then. */
export async function restoredTimeline(received: string): Promise<number | undefined> {
  return (await readMemoryFile(fileIn(received), record))?.timeline;
}

export async function noteRestored(received: string, timeline: number): Promise<void> {
  await writeMemoryFile(fileIn(received), { timeline });
}

function fileIn(received: string): string {
  return path.join(received, 'restored.json');
}
