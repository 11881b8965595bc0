/** Where a restore may not go: into what it restores from, what it is a copy of, or what the program itself needs. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { destinationFolders } from '../../model/config/destination.ts';
import { isWithin } from '../../model/config/folders.ts';
import { BackupError } from '../../model/errors.ts';
import { matcher, patternsOf } from '../sources/files/patterns.ts';
import type { Site } from '../site.ts';
import { errnoOf } from '../storage/fs-errors.ts';
import { ownScratch, type ScratchOf } from './scratch-place.ts';

/**
 * Links are followed: what counts is where the target would really be.
 * @param to an absolute path, which need not exist.
 * @throws BackupError `refused` when the target is, is inside or contains a folder that is taken.
 */
export async function requireFreeTarget(site: Site, source: string, to: string): Promise<void> {
  const target = await realFolder(to);
  for (const { what, folder, leavesOut } of [...(await placesOf(site)), ...backedUpPaths(site, source)]) {
    const real = await realFolder(folder);
    const inside = isWithin(target, real) && !leavesOut(target);
    if (!inside && !isWithin(real, target)) continue;
    const how = target === real ? 'is' : inside ? 'lies inside' : 'contains';
    throw new BackupError('refused', `${to} ${how} ${what} (${folder}). Nothing was changed.`, {
      remedy: 'Choose a new or empty folder outside of it; move what is needed into place from there.',
      facts: { to, folder },
    });
  }
}

export interface Taken {
  readonly what: string;
  readonly folder: string;
  /** Whether a folder inside of it is none of its business all the same. */
  readonly leavesOut: (folder: string) => boolean;
}

async function placesOf({ config, repository, state }: Site): Promise<readonly Taken[]> {
  const leavesOut = () => false;
  const scratch = ownScratch(state);
  // A drill on the host as it was restores by this very command.
  const drills = await realFolder(path.join(scratch, 'drills' satisfies ScratchOf));
  const ofDrills = (folder: string) => isWithin(folder, drills);
  return [
    { what: 'the repository', folder: repository, leavesOut },
    { what: 'the state folder', folder: state, leavesOut: ofDrills },
    { what: 'the scratch folder', folder: scratch, leavesOut: ofDrills },
    ...destinationFolders(config).map(({ name, folder }) => ({ what: `the destination "${name}"`, folder, leavesOut })),
  ];
}

/** Folders of this machine that a source of files backs up. */
export function backedUpPaths({ config, host }: Site, name: string): readonly Taken[] {
  const source = config.sources[name];
  // Another host's paths are not on this machine; the server's own folder is never empty.
  if (source?.type !== 'files' || (source.host !== undefined && source.host !== host)) return [];
  const excluded = matcher(patternsOf(source.exclude));
  return source.paths.map((folder) => ({
    what: `a path of the source "${name}"`,
    folder,
    leavesOut: (inside) => excluded(inside.slice(1)),
  }));
}

/** A path with the links in it followed, as far as it exists. */
async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return path.join(await realFolder(path.dirname(folder)), path.basename(folder));
  }
}
