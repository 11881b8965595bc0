/** Signs of life of processes where no bytes arrive: their CPU and I/O, from /proc. */
import { readFile } from 'node:fs/promises';

/** Cumulative ticks of CPU and I/O of processes and all that they have started. Never falls, also as they end. */
export function activityOf(roots: readonly number[]): () => Promise<number> {
  const last = new Map<number, number>();
  return async function activity() {
    for (const pid of await withDescendants(roots)) last.set(pid, Math.max(last.get(pid) ?? 0, await ticks(pid)));
    return last.values().reduce((sum, ticks) => sum + ticks, 0);
  };
}

async function withDescendants(pids: readonly number[]): Promise<readonly number[]> {
  const below = await Promise.all(
    pids.map(async (pid) => {
      const children = await readOrNothing(`/proc/${pid}/task/${pid}/children`);
      return withDescendants(children.split(' ').filter(Boolean).map(Number));
    }),
  );
  return [...pids, ...below.flat()];
}

async function ticks(pid: number): Promise<number> {
  const [stat, io] = await Promise.all([readOrNothing(`/proc/${pid}/stat`), readOrNothing(`/proc/${pid}/io`)]);
  return cpuTicks(stat) + ioTicks(io);
}

/** utime, stime, cutime and cstime: fields 14 to 17, counted behind the name, which may hold spaces and brackets. */
function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + (Number(field) || 0), 0);
}

/** System calls, and pages read and written for the process (memory-mapped files make no calls). */
function ioTicks(io: string): number {
  const counts = Object.fromEntries(io.split('\n').map((line) => line.split(': ')));
  const calls = (Number(counts['syscr']) || 0) + (Number(counts['syscw']) || 0);
  const bytes = (Number(counts['read_bytes']) || 0) + (Number(counts['write_bytes']) || 0);
  return calls + Math.floor(bytes / 4096);
}

async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // It has ended, or is another user's: then there is nothing to count.
    return '';
  }
}
