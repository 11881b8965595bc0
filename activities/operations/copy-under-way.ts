/**
 * That a backup is just being copied to a destination, in state: a run and catch-up of one host would else send the same
 * bytes beside each other. It spares work and guards nothing: every copy may be done twice at once.
 */
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../site.ts';
import { FOLDER_MODE } from '../storage/durable.ts';
import { errnoOf, ifThere, translated } from '../storage/fs-errors.ts';
import { holder, isAlive, thisHolder } from '../storage/holder.ts';
import { parseRecord } from '../storage/record.ts';
import { aborted } from '../streams/pipeline.ts';
import { BackupError } from '../../model/errors.ts';
import type { Work } from '../work.ts';

export interface CopyUnderWay {
  readonly site: Site;
  readonly destination: string;
  /** Key of the backup's folder. */
  readonly folder: string;
  /** Whether to wait until another one has ended; else undefined comes back. */
  readonly wait: boolean;
  readonly work: Work;
}

/** Milliseconds between two looks at another's copy. */
const LOOK = 500;
/** Milliseconds between two signs of life of whoever copies. */
const BEAT = 2000;
/** Milliseconds without one after which it counts as dead: a process that is stopped, or a machine that slept, copies nothing. */
const SILENT = 10_000;

/** Runs a copy while no other process of this host makes the same; undefined where one does and nobody waits. */
export async function withCopyUnderWay<Result>(
  of: CopyUnderWay,
  copy: () => Promise<Result>,
): Promise<Result | undefined> {
  const file = fileOf(of);
  while (!(await take(file))) {
    if (!of.wait) return undefined;
    await pause(LOOK, undefined, { signal: of.work.signal }).catch(() => {
      throw aborted();
    });
  }
  const beating = setInterval(() => beat(file), BEAT).unref();
  try {
    return await copy();
  } finally {
    clearInterval(beating);
    await rm(file, { force: true });
  }
}

/** One that fails counts as none given: at worst the same bytes are sent twice. */
function beat(file: string): void {
  const now = new Date();
  utimes(file, now, now).catch(() => undefined);
}

async function take(file: string): Promise<boolean> {
  return translated(file, 'noting a copy that is under way', async () => {
    await mkdir(path.dirname(file), { recursive: true, mode: FOLDER_MODE });
    try {
      await writeFile(file, JSON.stringify(thisHolder()), { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    // Of another pid namespace nothing can be told: it counts as dead, since two at once are harmless.
    if (await isHeld(file)) return false;
    await rm(file, { force: true });
    return take(file);
  });
}

async function isHeld(file: string): Promise<boolean> {
  const [bytes, noted] = await Promise.all([ifThere(readFile(file)), ifThere(stat(file))]);
  if (bytes === undefined || noted === undefined || Date.now() - noted.mtimeMs > SILENT) return false;
  try {
    return (await isAlive(parseRecord(bytes, holder, 'note of a copy'))) === true;
  } catch (error) {
    // Cut by a death in the middle of its writing.
    if (error instanceof BackupError) return false;
    throw error;
  }
}

function fileOf({ site, destination, folder }: CopyUnderWay): string {
  return path.join(site.state, 'copying', destination, folder.replaceAll('/', '~'));
}
