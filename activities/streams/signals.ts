/** Ending of programs, with all that they have started. */
import { isErrno } from './errno.ts';

export interface Group {
  /** Its leader, a child of this process. */
  readonly pid: number;
  /** Whether the leader has not been seen to end. */
  readonly running: () => boolean;
  readonly exited: Promise<void>;
}

/** Sends a signal to each program and to all that it started and that stayed in its process group. */
export function signalGroups(groups: readonly Group[], signal: NodeJS.Signals): void {
  for (const group of groups) signalGroup(group, signal);
}

export function signalGroup({ pid, running }: Pick<Group, 'pid' | 'running'>, signal: NodeJS.Signals): void {
  // Before the leader has made its group there is only the leader.
  if (!send(-pid, signal) && running()) send(pid, signal);
}

/** False when there is nobody to send it to. */
function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    // What is left has become another user's.
    if (isErrno(error, 'EPERM')) return true;
    throw error;
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
