/**
 * The file systems that the last backup was read from, kept in state. A volume that is not mounted any more leaves
 * an empty folder behind, and one that is mounted over a folder hides it: both would back up "successfully".
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Finding } from '../../../model/finding.ts';
import { errnoOf } from './errno.ts';
import { isWithin } from './mounts.ts';
import type { FileSystem, Selection } from './selection.ts';

const layout = z.object({
  fileSystems: z.array(z.object({ path: z.string(), mountPoint: z.string(), type: z.string() })),
});

/** The file whose removal accepts a change. */
function layoutFile(state: string): string {
  return path.join(state, 'file-systems.json');
}

/** Undefined before the first backup, and after state was lost or the change accepted. */
export async function readLayout(state: string): Promise<readonly FileSystem[] | undefined> {
  try {
    return layout.parse(JSON.parse(await readFile(layoutFile(state), 'utf8'))).fileSystems;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    // A damaged file is worth no more than a lost one: state may be lost at any time.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

export async function writeLayout(state: string, fileSystems: readonly FileSystem[]): Promise<void> {
  const file = layoutFile(state);
  await writeFile(`${file}.new`, JSON.stringify({ fileSystems }), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** What has changed under the paths since the last backup; each is an error. */
export function compareLayout(
  source: string,
  state: string,
  last: readonly FileSystem[],
  now: Selection,
): readonly Finding[] {
  const messages = [
    ...last.flatMap((before) => lostOrChanged(before, now)),
    ...now.fileSystems.flatMap((after) => appeared(after, last)),
  ];
  const remedy = `Mount what is missing. If it is as it should be, accept it: rm ${layoutFile(state)}`;
  return messages.map((message) => ({
    code: 'files.file-system-changed',
    severity: 'error',
    message,
    remedy,
    subject: source,
  }));
}

function lostOrChanged(before: FileSystem, now: Selection): readonly string[] {
  const after = now.fileSystems.find((each) => each.path === before.path);
  if (after) {
    if (after.mountPoint === before.mountPoint && after.type === before.type) return [];
    return [`${before.path} was on ${describe(before)} at the last backup, and is on ${describe(after)} now`];
  }
  const wanted = now.roots.some((root) => isWithin(before.path, `/${root}`)) && !now.excluded(before.path);
  return wanted ? [`${before.path} was ${describe(before)} at the last backup, and is not mounted now`] : [];
}

/** A mount below a path that was there before: what lay under it is hidden now. */
function appeared(after: FileSystem, last: readonly FileSystem[]): readonly string[] {
  if (last.some((before) => before.path === after.path)) return [];
  const below = last.some((before) => isWithin(after.path, before.path));
  return below && after.path === after.mountPoint
    ? [`${after.path} is ${describe(after)} now, and was an ordinary folder at the last backup`]
    : [];
}

function describe({ path: at, mountPoint, type }: FileSystem): string {
  return at === mountPoint ? `a file system of its own (${type})` : `the file system of ${mountPoint} (${type})`;
}
