/** What pg_controldata tells of a data folder, whether a server runs on it or not. */
import { runProgram } from '../../streams/run.ts';
import { holderOf } from '../private-server/user.ts';
import { programOf, type Binaries } from './binaries.ts';

/** Its lines by name, without " setting": `max_locks_per_xact` → `64`. */
export async function controlData(
  data: string,
  binaries: Pick<Binaries, 'folder' | 'sandbox'>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const as = await holderOf(data);
  const program = programOf(binaries, 'pg_controldata', { args: ['-D', data], env: { LC_ALL: 'C' }, as });
  const { stdout } = await runProgram(program, { signal });
  const lines = stdout.split('\n').map((line) => /^(.*?)(?: setting)?:\s+(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? '']] : [])));
}
