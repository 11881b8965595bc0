/**
 * What a source's paths mean on this machine now: which folders tar is given, which file systems they lie on, and
 * what is wrong with them. With `--one-file-system` tar leaves mounts below a path empty without a word, so each
 * of them is captured as a further argument, left out by name, or an error.
 */
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { FilesSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { findCopies, type Region } from './copies.ts';
import { errnoOf } from './errno.ts';
import { insideOf, isLocal, isPseudo, isWithin, mountOf, mountsBelow, type Mount } from './mounts.ts';
import { globOf, matcher, patternsOf } from './patterns.ts';

/** A folder that is captured, and the file system that it lies on. Device numbers change at a reboot; these do not. */
export interface FileSystem {
  readonly path: string;
  readonly mountPoint: string;
  readonly type: string;
}

export interface Selection {
  /** tar's arguments: relative to the root, mounts behind the folders that they are in. */
  readonly roots: readonly string[];
  readonly fileSystems: readonly FileSystem[];
  /** Whether a path (from the root, with its slash) is left out. */
  readonly excluded: (path: string) => boolean;
  readonly findings: readonly Finding[];
}

type Report = (code: string, severity: Finding['severity'], message: string, remedy?: string) => void;

/** Looks at the paths of a source. */
export async function select(source: string, config: FilesSource, mounts: readonly Mount[]): Promise<Selection> {
  const findings: Finding[] = [];
  function report(code: string, severity: Finding['severity'], message: string, remedy?: string): void {
    findings.push({ code: `files.${code}`, severity, message, remedy: remedy ?? null, subject: source });
  }
  const matches = matcher(patternsOf(config.exclude));
  // `dir/` matches what is in the folder, not the folder.
  const excluded = (target: string): boolean => matches(target.slice(1)) || matches(`${target.slice(1)}/.`);
  const paths = [...new Set(config.paths.map((each) => path.normalize(each).replace(/(?<=.)\/$/, '')))];
  const usable: string[] = [];
  for (const each of paths) if (await isUsable(each, matches, report)) usable.push(each);

  const roots: string[] = [];
  const regions: Region[] = [];
  for (const each of usable.toSorted()) {
    const outer = roots.find((root) => isWithin(each, root));
    if (outer !== undefined && (await sameDevice(each))) continue;
    roots.push(each);
    regions.push(...regionOf(mounts, each));
    for (const mount of mountsBelow(mounts, each)) {
      if (excluded(mount.point) || usable.includes(mount.point) || roots.includes(mount.point)) continue;
      const decision = await decide(mount, each, report);
      if (decision === 'left') continue;
      if (decision === 'argument') roots.push(mount.point);
      regions.push(...regionOf(mounts, mount.point));
    }
  }
  for (const [first, second] of findCopies(regions)) {
    const message = `${second} shows files that ${first} has as well (a bind mount), so an incremental could not tell them apart`;
    report('mount-twice', 'error', message, `Add "${globOf(second)}" to exclude, or leave out "${globOf(first)}".`);
  }
  return {
    roots: roots.map((root) => root.slice(1)),
    fileSystems: regions.map(({ fileSystem }) => fileSystem),
    excluded,
    findings,
  };
}

async function isUsable(target: string, matches: (path: string) => boolean, report: Report): Promise<boolean> {
  if (target === '/' || target.startsWith('/-')) {
    report(
      'path-root',
      'error',
      `${target} cannot be a path of a files source`,
      'Name the folders to back up, such as /etc and /srv.',
    );
    return false;
  }
  if (matches(target.slice(1))) {
    report('path-excluded', 'error', `${target} is in paths, and exclude leaves it out`, 'Remove one of the two.');
    return false;
  }
  try {
    const found = await lstat(target);
    const real = await realpath(target);
    if (real !== target) {
      report(
        'path-symlink',
        'error',
        `${target} is reached by a symbolic link, and only the link would be stored`,
        `Write ${real} in paths.`,
      );
      return false;
    }
    if (found.isDirectory() && (await readdir(target)).length === 0) {
      report('path-empty', 'warning', `${target} is empty`, `If a volume belongs there, mount it: mount ${target}`);
    }
    return true;
  } catch (error) {
    const [what, remedy] = MISSING[errnoOf(error)] ?? ['cannot be read', 'Let the worker run as root.'];
    report('path-missing', 'error', `${target} ${what} (${errnoOf(error)})`, remedy);
    return false;
  }
}

const MISSING: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['does not exist', 'Create or mount it, or remove it from paths.'],
  ENOTDIR: ['does not exist', 'Create or mount it, or remove it from paths.'],
};

/** What becomes of a mount below a path: tar's argument, part of its walk (a bind mount of the same device), or left alone. */
async function decide(mount: Mount, root: string, report: Report): Promise<'argument' | 'walked' | 'left'> {
  const remedy = `Add "${globOf(mount.point)}" to exclude, or to paths if its files belong to the backup.`;
  if (isPseudo(mount)) {
    report(
      'mount-pseudo',
      'error',
      `${mount.point} below ${root} is ${mount.type}, which holds no files of its own`,
      `Add "${globOf(mount.point)}" to exclude.`,
    );
    return 'left';
  }
  try {
    if (await sameDevice(mount.point)) return 'walked';
  } catch (error) {
    report(
      'mount-below-path',
      'error',
      `${mount.point} (${mount.type}) below ${root} cannot be read (${errnoOf(error)})`,
      remedy,
    );
    return 'left';
  }
  if (isLocal(mount)) return 'argument';
  report('mount-below-path', 'error', `${mount.point} below ${root} is another file system (${mount.type})`, remedy);
  return 'left';
}

/** tar stays on one device, by st_dev: a bind mount of the same device is none to it. */
async function sameDevice(target: string): Promise<boolean> {
  const [here, above] = await Promise.all([lstat(target), lstat(path.dirname(target))]);
  return here.dev === above.dev;
}

function regionOf(mounts: readonly Mount[], target: string): readonly Region[] {
  const mount = mountOf(mounts, target);
  if (!mount) return [];
  const fileSystem = { path: target, mountPoint: mount.point, type: mount.type };
  return [{ path: target, device: mount.device, inside: insideOf(mount, target), fileSystem }];
}
