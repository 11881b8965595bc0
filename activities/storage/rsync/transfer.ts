/** Files from here to there and back, by rsync. */
import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Work } from '../../work.ts';
import type { Link } from './link.ts';
import { PARTIAL, rootOf, runRsync } from './program.ts';
import { progressReader } from './progress.ts';

export interface Push {
  /** An existing folder of our own, for the names under which files are sent. */
  readonly stage: string;
  readonly file: string;
  /** Below the destination's folder. */
  readonly to: string;
  readonly bytes: number;
  /** Bytes in a second. */
  readonly maxRate?: number | undefined;
  /**
   * `large`: what was cut off is kept, and gone on with. `small`: all or nothing. `attempt`: into a folder of that name,
   * what is cut off bears its name there, and what lies by that name in the folder `onTopOf` is not sent again.
   * `linkFrom`: a second link of what lies by that name in that folder there; nothing is sent.
   */
  readonly how:
    | 'large'
    | 'small'
    | { readonly attempt: string; readonly onTopOf: string | undefined }
    | { readonly linkFrom: string };
  readonly doing: string;
  readonly phase: string;
  readonly work: Work;
}

/**
 * Sends a file. The name appears when the file is there whole, by a rename, with rsync's own checksum over all of it
 * compared. Of a large one what was cut off before is not sent again: rsync there keeps it in `.mosaic-part`.
 */
export async function push(link: Link, request: Push): Promise<void> {
  const { stage, file, to, bytes, maxRate, how, doing, phase, work } = request;
  await offer(stage, to, file);
  const progress = progressReader();
  await runRsync(link, 'transfers', {
    args: [
      '--relative',
      // Folders that lack are made; those that are there are left as they are.
      '--no-implied-dirs',
      // The name in the stage is a link to the file.
      '--copy-links',
      '--chmod=F0600',
      '--info=progress2',
      '--no-human-readable',
      ...(maxRate === undefined ? [] : [`--bwlimit=${Math.floor(maxRate / 1024)}`]),
      ...argumentsOf(request),
      `${stage}/./${to}`,
      typeof how === 'object' && 'attempt' in how ? `${rootOf(link)}${how.attempt}/` : rootOf(link),
    ],
    doing,
    work,
    onOutput: progress.take,
    bytes: progress.bytes,
    total: bytes,
    phase,
  });
}

/** That time and size of a file there are as they should be says nothing of its bytes: it is always compared. */
const WRITE = ['--ignore-times', '--times', '--perms'];

function argumentsOf({ how }: Push): readonly string[] {
  // By a shell it is made durable afterwards.
  if (how === 'large') return [...WRITE, `--partial-dir=${PARTIAL}`];
  if (how === 'small') return [...WRITE, '--fsync'];
  // What was confirmed just now is taken as it is, its time and mode too.
  if ('linkFrom' in how) return ['--size-only', `--link-dest=${how.linkFrom}`];
  const basis = how.onTopOf === undefined ? [] : [`--copy-dest=${how.onTopOf}`];
  return [...WRITE, '--fsync', '--partial', '--mkpath', ...basis];
}

/** Makes a name in the stage lead to a file. */
async function offer(stage: string, to: string, file: string): Promise<void> {
  const name = path.join(stage, to);
  await mkdir(path.dirname(name), { recursive: true, mode: 0o700 });
  await rm(name, { force: true });
  await symlink(path.resolve(file), name);
}

export interface Pull {
  readonly keys: readonly string[];
  /** An existing folder: each comes below it under its key. */
  readonly into: string;
  readonly doing: string;
  readonly work: Work;
  readonly bytes?: number;
  readonly phase?: string;
}

/** Fetches files; those that are not there lack afterwards. */
export async function pull(link: Link, { keys, into, doing, work, bytes, phase }: Pull): Promise<void> {
  const progress = progressReader();
  await runRsync(link, bytes === undefined ? 'commands' : 'transfers', {
    // Names go through the protocol: no shell there takes one for a pattern.
    args: [
      '--files-from=-',
      '--from0',
      '--ignore-missing-args',
      '--whole-file',
      '--info=progress2',
      '--no-human-readable',
      rootOf(link),
      `${into}/`,
    ],
    names: keys,
    doing,
    work,
    onOutput: progress.take,
    bytes: progress.bytes,
    ...(bytes !== undefined && { total: bytes }),
    ...(phase !== undefined && { phase }),
  });
}
