/** Folders in state for what comes and goes: names under which files are sent, and what is read back. */
import path from 'node:path';
import { makePath } from '../durable.ts';
import { translated } from '../fs-errors.ts';
import { withScratch } from '../scratch.ts';

/** Runs `body` with a folder that is removed whatever happens, after a SIGKILL by the next one. What lies in it is encrypted. */
export async function withSpool<T>(state: string, body: (folder: string) => Promise<T>): Promise<T> {
  const within = path.join(state, 'rsync');
  await translated(within, 'making a spool', () => makePath(within));
  return withScratch(within, 'spool-', body);
}
