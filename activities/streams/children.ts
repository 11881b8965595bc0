/** Processes that others have started, as /proc tells them. */
import { readdir, readFile } from 'node:fs/promises';
import { isErrno } from './errno.ts';

/** Pids of the living children of a process. Not by its list of them, which not every kernel has (CONFIG_PROC_CHILDREN). */
export async function childrenOf(parent: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const all = await Promise.all(pids.map(async (pid) => ({ pid, stat: await statOf(pid) })));
  return all.filter(({ stat }) => stat?.parent === parent && stat.alive).map(({ pid }) => pid);
}

/** One that only waits to be reaped does nothing any more. */
export async function isAtWork(pid: number): Promise<boolean> {
  return (await statOf(pid))?.alive ?? false;
}

/** Undefined where it has ended. */
async function statOf(pid: number): Promise<{ readonly alive: boolean; readonly parent: number } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // Behind the name, which may hold spaces and brackets.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { alive: state !== 'Z' && state !== 'X', parent: Number(parent) };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
