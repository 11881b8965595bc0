/** Where the data lie between runs: outside the checkout, where an unprivileged server can reach them. */
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';

/** Raised when what is made changes, so that older data are made anew. */
const RECIPE = 1;

/** `/var/tmp` outlives a restart of the machine, and every user may pass through it. */
export function defaultCache(): string {
  return `/var/tmp/mosaic-backup-bench-${process.getuid?.() ?? 0}`;
}

/** Makes the cache folder. Anyone may have put something at its well-known name, so it must be ours. */
export async function openCache(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { uid, mode } = await lstat(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) > 0) {
    throw new Error(`${folder} belongs to another user or can be written by others: name another one with --cache`);
  }
  await chmod(folder, 0o755);
}

/**
 * A set of data, made once: `make` gets an empty folder and returns facts about it. The facts are written last, so
 * that what was interrupted is made anew.
 */
export async function cached<Facts extends object>(
  folder: string,
  make: (folder: string) => Promise<Facts>,
): Promise<Facts> {
  const stamp = `${folder}.json`;
  const known = await readStamp<Facts>(stamp);
  if (known) return known;
  await rm(stamp, { force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const facts = await make(folder);
  await writeFile(stamp, `${JSON.stringify({ recipe: RECIPE, facts })}\n`);
  return facts;
}

async function readStamp<Facts>(file: string): Promise<Facts | undefined> {
  try {
    // Written above; another recipe's facts are not looked at.
    const { recipe, facts } = JSON.parse(await readFile(file, 'utf8')) as { recipe: number; facts: Facts };
    return recipe === RECIPE ? facts : undefined;
  } catch {
    // Not there, or cut off: the data are made anew.
    return undefined;
  }
}
