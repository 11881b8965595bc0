/** Folders that are closed to their own owner: to root they make no difference, to anybody else what is below is out of reach. */
import { runProgram } from '../streams/run.ts';

/**
 * Lets the owner list, pass and write all folders below one. Those that cannot be passed are opened one by one, before `find` goes into them;
 * of the others (caches of programs that are read-only by the ten thousand) many at once.
 */
export async function openFolders(folder: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
  const closed = ['!', '-perm', '-0500', '-exec', 'chmod', 'u+rwx', '--', '{}', ';'];
  const readOnly = ['!', '-perm', '-0200', '-exec', 'chmod', 'u+w', '--', '{}', '+'];
  const args = [folder, '-type', 'd', '(', ...closed, '-o', ...readOnly, ')'];
  await runProgram({ command: 'find', args, env: { LC_ALL: 'C' } }, options);
}
