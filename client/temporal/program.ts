/** Where the `temporal` program is: set by hand, on PATH, or in the cache that the bootstrap fills. */
import { access, constants, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';

/** @throws BackupError `missing-program` with the ways to get it. */
export async function temporalProgram(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const configured = env['TEMPORAL_CLI'];
  if (configured) {
    if (await isExecutable(configured)) return configured;
    throw new BackupError('missing-program', `TEMPORAL_CLI names ${configured}, which is not a program`, {
      remedy: 'Set TEMPORAL_CLI to the path of the temporal command line program, or unset it.',
    });
  }
  const onPath = (env['PATH'] ?? '').split(':').map((folder) => path.join(folder, 'temporal'));
  for (const program of [...onPath, ...(await cached(env))]) {
    if (path.isAbsolute(program) && (await isExecutable(program))) return program;
  }
  throw new BackupError(
    'missing-program',
    'the program "temporal" is not on this machine, so no embedded Temporal can be started',
    {
      remedy:
        'In a checkout, "npm start" installs it; elsewhere install the Temporal CLI, or set temporal.address to a running cluster.',
    },
  );
}

/** What the bootstrap of a checkout keeps, newest version first. */
async function cached(env: NodeJS.ProcessEnv): Promise<string[]> {
  const cache = path.join(env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'mosaic-backup');
  const entries = await readdir(cache).catch(() => []);
  return entries
    .filter((entry) => /^temporal-\d[\d.]*$/.test(entry))
    .toSorted()
    .toReversed()
    .map((entry) => path.join(cache, entry));
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not executable: either way the next candidate counts.
    return false;
  }
}
