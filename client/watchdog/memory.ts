/** What the watchdog remembers between two looks, in state. Lost, it counts from now on: nothing that is wrong is hidden by that. */
import path from 'node:path';
import { z } from 'zod';
import { readMemoryFile, writeMemoryFile } from '../../activities/storage/memory-file.ts';

const counted = z.object({
  /** The schedule's counters at the last look. */
  taken: z.number(),
  skipped: z.number(),
  missed: z.number(),
  /** Times that were left out since its last start, and since when; null where none was. */
  leftOut: z.object({ since: z.string(), skipped: z.number(), missed: z.number() }).nullable(),
});
export type Counted = z.infer<typeof counted>;

const memory = z.object({ schedules: z.record(z.string(), counted) });
export type WatchdogMemory = z.infer<typeof memory>;

export async function readWatchdogMemory(state: string): Promise<WatchdogMemory> {
  return (await readMemoryFile(fileOf(state), memory)) ?? { schedules: {} };
}

export function writeWatchdogMemory(state: string, value: WatchdogMemory): Promise<void> {
  return writeMemoryFile(fileOf(state), value);
}

function fileOf(state: string): string {
  return path.join(state, 'watchdog', 'counters.json');
}
