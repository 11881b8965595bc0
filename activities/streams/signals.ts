/** Ending of programs, with all that they have started. */
import { isErrno } from './errno.ts';

interface Group {
  readonly pid: number;
  readonly exited: Promise<void>;
}

/** Sends a signal to each program and to all that it started and that stayed in its process group. */
export function signalGroups(groups: readonly Group[], signal: NodeJS.Signals): void {
  for (const { pid } of groups) signalGroup(pid, signal);
}

export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of the group has ended already. EPERM: what is left of it has become another user's.
    if (!isErrno(error, 'ESRCH') && !isErrno(error, 'EPERM')) throw error;
  }
}

/**
 * Ends programs: SIGTERM, and after `grace` ms SIGKILL. Resolves to false when one is still there another
 * `grace` ms later: a process that hangs in the kernel, on a dead disk or network file system, cannot be waited for.
 */
export async function endGroups(groups: readonly Group[], grace: number): Promise<boolean> {
  const ended = Promise.all(groups.map(({ exited }) => exited)).then(() => true);
  signalGroups(groups, 'SIGTERM');
  if (await within(grace, ended)) return true;
  signalGroups(groups, 'SIGKILL');
  return within(grace, ended);
}

async function within(ms: number, ended: Promise<boolean>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const result = await Promise.race([ended, late]);
  clearTimeout(timer);
  return result;
}
