/** Tells one process from a later one that got the same number: pid, start time and boot. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

export const processIdentity = z.object({
  pid: z.int().positive(),
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot, proc(5). */
  started: z.string(),
  boot: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

export async function ownIdentity(): Promise<ProcessIdentity> {
  const started = await startTime(process.pid);
  if (started === undefined) throw new Error('/proc does not show this process');
  return { pid: process.pid, started, boot: await bootId() };
}

/** Whether exactly this process still runs (a zombie, which only waits to be reaped, does not). */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return identity.boot === (await bootId()) && identity.started === (await startTime(identity.pid));
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name may hold spaces and parentheses: fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
}
