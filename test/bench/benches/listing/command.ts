/** One command of the command line in a process of its own, as cron or a person starts it. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';

const MAIN = fileURLToPath(new URL('../../listing-main.ts', import.meta.url));
/** Children of Node take as much as they find: what a machine with little memory would have. */
const HEAP = '--max-old-space-size=2048';
const ended = z.object({ status: z.literal(0), peak: z.number() });

export const SETTINGS = `a process each time; ${HEAP}`;

export interface TimedCommand {
  readonly seconds: number;
  /** Bytes. */
  readonly peak: number;
}

/** @param file the config. */
export async function timedCommand(file: string, args: readonly string[], signal: AbortSignal): Promise<TimedCommand> {
  const began = performance.now();
  const all = [HEAP, MAIN, JSON.stringify(['-c', file, '--json', ...args])];
  const { stdout } = await execa(process.execPath, all, { cancelSignal: signal, stderr: 'inherit' });
  const { peak } = ended.parse(JSON.parse(stdout));
  return { seconds: (performance.now() - began) / 1000, peak: peak * 1024 };
}
