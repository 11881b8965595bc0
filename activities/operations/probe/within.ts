/** Paths of the source, in what was restored of it: links lead where they would lead there, and never out of it. */
import { lstat, readlink } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from '../../storage/fs-errors.ts';

/** As the kernel follows (MAXSYMLINKS). */
const LINKS = 40;

/** Where a path of the source lies; undefined where it is not there, or leads in a circle. The restored folder is the root of all. */
export async function withinRestored(restored: string, wanted: string): Promise<string | undefined> {
  let rest = parts(wanted);
  let at = '/';
  for (let links = 0; rest.length > 0;) {
    const [next = '', ...later] = rest;
    // As at the root of a machine, there is nothing above.
    const candidate = path.join(at, next);
    const place = path.join(restored, candidate);
    const found = await ifThere(lstat(place));
    if (!found) return undefined;
    rest = later;
    if (!found.isSymbolicLink()) {
      at = candidate;
      continue;
    }
    links += 1;
    if (links > LINKS) return undefined;
    const target = await readlink(place);
    rest = [...parts(target), ...later];
    if (path.isAbsolute(target)) at = '/';
  }
  return path.join(restored, at);
}

function parts(text: string): readonly string[] {
  return text.split('/').filter((part) => part !== '' && part !== '.');
}
