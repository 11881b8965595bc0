/** What an earlier start left when it was killed. Only a process that is provably ours is ended. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isErrno } from '../../../activities/streams/errno.ts';
import { BackupError } from '../../../model/errors.ts';

/** A server that is killed with its owner ends by itself; it is given so long before it is told. */
const PATIENCE = 2_000;
const AFTER_QUIT = 10_000;
const POLL = 50;

/** Ends a server that still runs on a data folder, and removes a pid file that names some other process. */
export async function endStrayServer(data: string): Promise<void> {
  const pid = await pidOf(data);
  if (pid === undefined) return;
  if (!(await servesFrom(pid, data))) {
    // The number is another program's by now, which PostgreSQL could take for its own.
    await rm(path.join(data, 'postmaster.pid'), { force: true });
    return;
  }
  if (await endsWithin(pid, data, PATIENCE)) return;
  process.kill(pid, 'SIGQUIT');
  if (await endsWithin(pid, data, AFTER_QUIT)) return;
  throw new BackupError('busy', `A PostgreSQL server of an earlier start (process ${pid}) does not end`, {
    remedy: `End it: kill -KILL ${pid}`,
  });
}

async function endsWithin(pid: number, data: string, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience;
  while (await servesFrom(pid, data)) {
    if (Date.now() > deadline) return false;
    await pause(POLL);
  }
  return true;
}

/** Whether a process is a server on this data folder: by its own command line, since numbers are used again. */
async function servesFrom(pid: number, data: string): Promise<boolean> {
  const command = await textOf(`/proc/${pid}/cmdline`);
  const words = (command ?? '').split('\0');
  return path.basename(words[0] ?? '') === 'postgres' && words[words.indexOf('-D') + 1] === data;
}

async function pidOf(data: string): Promise<number | undefined> {
  const [first] = ((await textOf(path.join(data, 'postmaster.pid'))) ?? '').split('\n');
  const pid = Number(first);
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // ESRCH: it ended while its file was being read.
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
