/** What an earlier start left when it was killed. Only a process that is provably ours is ended. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrno } from '../../../activities/streams/errno.ts';
import { BackupError } from '../../../model/errors.ts';
import { isWithin } from '../../../model/config/folders.ts';
import type { SampleDatabase } from './database.ts';

/** A server that is killed with its owner ends by itself; it is given so long before it is told. */
const PATIENCE = 2_000;
const AFTER_QUIT = 10_000;
const POLL = 50;

type Engine = Pick<SampleDatabase, 'engine' | 'servesFrom'>;

/**
 * Ends servers that still run on a data folder in this one: the sample's own, and private ones of restores. They are
 * known by their own command lines, since a number in a file may be another program's by now.
 */
export async function endStrayServers(root: string, engines: readonly Engine[]): Promise<void> {
  const strays = await straysBelow(root, engines);
  await Promise.all(strays.map((stray) => endStray(root, stray)));
}

interface Stray {
  readonly pid: number;
  readonly engine: Engine;
}

async function endStray(root: string, stray: Stray): Promise<void> {
  if (await endsWithin(root, stray, PATIENCE)) return;
  // PostgreSQL and MariaDB end at once on it, and come up as after a crash. Redis ends as it is.
  signal(stray.pid, 'SIGQUIT');
  if (await endsWithin(root, stray, PATIENCE)) return;
  signal(stray.pid, 'SIGKILL');
  if (await endsWithin(root, stray, AFTER_QUIT)) return;
  throw new BackupError(
    'busy',
    `A ${stray.engine.engine} server of an earlier start (process ${stray.pid}) does not end`,
    {
      remedy: `Look what keeps it: cat /proc/${stray.pid}/stack`,
    },
  );
}

async function straysBelow(root: string, engines: readonly Engine[]): Promise<readonly Stray[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await commandLine(pid);
      const engine = engines.find((one) => servesBelow(root, one, words));
      return engine ? [{ pid, engine }] : [];
    }),
  );
  return found.flat();
}

function servesBelow(root: string, { servesFrom }: Engine, words: readonly string[]): boolean {
  const data = servesFrom(words);
  return data !== undefined && isWithin(data, root);
}

async function endsWithin(root: string, { pid, engine }: Stray, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience;
  while (servesBelow(root, engine, await commandLine(pid))) {
    if (Date.now() > deadline) return false;
    await pause(POLL);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended by now.
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

/** Empty for a process that is gone, or a zombie. */
async function commandLine(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch (error) {
    // ESRCH: it ended while its file was being read.
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}
