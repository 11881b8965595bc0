/** Replays of the kept histories by a bundle of workflows. */
import { execa } from 'execa';
import path from 'node:path';
import { z } from 'zod';

const CHILD = path.join(import.meta.dirname, 'replay-child.ts');
const printed = z.array(z.strictObject({ name: z.string(), why: z.string() }));

/** Those that the workflows do not do again as they were done, each with why. */
export async function broken(bundle: string): Promise<z.output<typeof printed>> {
  // A process of its own: for replays the SDK watches every promise of the process, and throws at some of Node's.
  const { stdout } = await execa(process.execPath, [CHILD, bundle], { stdin: 'ignore', stderr: 'inherit' });
  return printed.parse(JSON.parse(stdout));
}
