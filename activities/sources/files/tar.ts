/** tar's command lines. Each flag is there for something that is lost without it. */
import type { Pattern } from '../../../model/config/glob.ts';
import type { Program } from '../../streams/types.ts';
import { LARGE_RECORDS, READ_LARGE_RECORDS } from '../tar-records.ts';
import { tarExcludes } from './patterns.ts';

/** Messages and times are parsed; TAR_OPTIONS of the worker's environment must not change what is done. */
const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', TAR_OPTIONS: '' };

export interface CreateOptions {
  /** Relative to the root. */
  readonly roots: readonly string[];
  readonly patterns: readonly Pattern[];
  /** Working copy of the snapshot file; where there is none, everything is archived. */
  readonly snapshot: string;
  readonly onListed: (line: string) => void;
  readonly onMessage: (line: string) => void;
}

/** Archives to stdout, and lists what it archives on a descriptor of its own. Its exit codes 1 and 2 are for the caller to judge. */
export function createArchive({ roots, patterns, snapshot, onListed, onMessage }: CreateOptions): Program {
  return {
    command: 'tar',
    args: [
      '--create',
      '--file=-',
      ...LARGE_RECORDS,
      '--format=posix',
      '--numeric-owner',
      '--acls',
      '--xattrs',
      '--xattrs-include=*',
      '--selinux',
      '--sparse',
      '--one-file-system',
      `--listed-incremental=${snapshot}`,
      '-vv',
      '--full-time',
      '--quoting-style=c',
      '--index-file=/dev/fd/3',
      // One line for each folder; renamed ones are told still.
      '--warning=no-new-dir',
      ...tarExcludes(patterns),
      '--directory=/',
      '--',
      ...roots,
    ],
    env: ENVIRONMENT,
    accept: [1, 2],
    onLine: onListed,
    onStderr: onMessage,
  };
}

/**
 * Extracts stdin into a folder. With `--listed-incremental` (its file is not used) tar also removes what an
 * incremental's folders do not list any more. Without `--xattrs-include` capabilities would be lost.
 */
export function extractArchive(into: string, members: Uint8Array | undefined): Program {
  return {
    command: 'tar',
    args: [
      '--extract',
      '--file=-',
      ...READ_LARGE_RECORDS,
      '--preserve-permissions',
      ownership(),
      '--numeric-owner',
      '--acls',
      '--xattrs',
      '--xattrs-include=*',
      '--sparse',
      '--delay-directory-restore',
      '--listed-incremental=/dev/null',
      '--quoting-style=c',
      '--warning=no-timestamp',
      `--directory=${into}`,
      ...(members === undefined ? [] : ['--no-wildcards', '--null', '--verbatim-files-from', '--files-from=/dev/fd/3']),
    ],
    env: ENVIRONMENT,
    ...(members === undefined ? {} : { inputs: [members] }),
  };
}

/** Lists an archive from stdin as `createArchive` does, reading it as `extractArchive` will. */
export function listArchive(onListed: (line: string) => void): Program {
  return {
    command: 'tar',
    args: [
      '--list',
      '--file=-',
      ...READ_LARGE_RECORDS,
      '--numeric-owner',
      '-vv',
      '--full-time',
      '--quoting-style=c',
      '--index-file=/dev/fd/3',
    ],
    env: ENVIRONMENT,
    onLine: onListed,
  };
}

/** Only root can give files to others; the check says when owners were not compared. */
function ownership(): string {
  return isRoot() ? '--same-owner' : '--no-same-owner';
}

export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
