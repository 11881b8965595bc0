/** What pg_controldata tells of a data folder, whether a server runs on it or not. */
import path from 'node:path';
import { runProgram } from '../../streams/run.ts';
import type { Binaries } from './binaries.ts';

/** Its lines by name, without " setting": `max_locks_per_xact` → `64`. */
export async function controlData(
  data: string,
  { folder }: Pick<Binaries, 'folder'>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const command = path.join(folder, 'pg_controldata');
  const { stdout } = await runProgram({ command, args: ['-D', data], env: { LC_ALL: 'C' } }, { signal });
  const lines = stdout.split('\n').map((line) => /^(.*?)(?: setting)?:\s+(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}
