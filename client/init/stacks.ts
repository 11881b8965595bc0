/** Stack folders: where compose files lie. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isWithin } from '../../model/config/folders.ts';

const COMPOSE = /^(?:docker-)?compose(?:\.[\w-]+)?\.ya?ml$/;

/** The current folder, and folders one or two below `parents`, that hold a compose file; none that lies in another one found. */
export async function findStacks(
  cwd: string,
  parents: readonly string[] = ['/opt', '/srv'],
): Promise<readonly string[]> {
  const first = (await Promise.all(parents.map(foldersIn))).flat();
  const second = (await Promise.all(first.map(foldersIn))).flat();
  const candidates = [...new Set([cwd, ...first, ...second])];
  const holding = await Promise.all(
    candidates.map(async (folder) =>
      (await entriesOf(folder)).some(({ name }) => COMPOSE.test(name)) ? [folder] : [],
    ),
  );
  const found = holding.flat().toSorted((a, b) => a.length - b.length);
  return found.filter((folder, index) => !found.slice(0, index).some((outer) => isWithin(folder, outer))).toSorted();
}

async function foldersIn(parent: string): Promise<readonly string[]> {
  return (await entriesOf(parent))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => path.join(parent, name));
}

/** Empty where it is not there or closed to us. */
function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}
