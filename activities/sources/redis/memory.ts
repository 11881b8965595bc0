/**
 * A private server takes as much memory as the source did. Where this machine has not so much free, the kernel would
 * end something for it, which may be production: so none is started.
 */
import { readFile } from 'node:fs/promises';
import { formatBytes } from '../../../model/units.ts';
import type { Engine } from './programs.ts';

/** Why no private server may be started on these data here; undefined when it may. */
export async function lackOfMemory({ memoryBytes }: Engine): Promise<string | undefined> {
  const free = await availableMemory();
  if (free === undefined || free >= memoryBytes) return undefined;
  return `the data take ${formatBytes(memoryBytes)} of memory, and ${formatBytes(free)} are available`;
}

/** What the kernel would give without swapping, in bytes; undefined where it does not say. */
async function availableMemory(): Promise<number | undefined> {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
