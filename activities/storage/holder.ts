/**
 * Who holds something: a process, named so that it is never mistaken for a later one. A pid alone is used again;
 * a pid with its start time is not, within one boot; and a boot id tells boots apart. Pids mean nothing in another
 * pid namespace (two containers that share a folder): there only the age of what it wrote tells.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { errnoOf } from './fs-errors.ts';

export const holder = z.object({
  pid: z.int().positive(),
  /** Clock ticks from boot to the start of the process: field 22 of /proc/<pid>/stat, proc(5). */
  start: z.string(),
  boot: z.string(),
  /** Inode of the pid namespace. */
  namespace: z.string(),
});
export type Holder = z.infer<typeof holder>;

let own: Holder | undefined;

/** This process. */
export function thisHolder(): Holder {
  own ??= {
    pid: process.pid,
    start: statOf(readFileSync('/proc/self/stat', 'latin1')).start,
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    namespace: readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, ''),
  };
  return own;
}

/**
 * Whether a holder still runs; a stopped process does, a dead one that nobody has reaped does not.
 * Undefined when it lives in another pid namespace of this boot, so that nothing can be said.
 */
export async function isAlive({ pid, start, boot, namespace }: Holder): Promise<boolean | undefined> {
  const here = thisHolder();
  if (boot !== here.boot) return false;
  if (namespace !== here.namespace) return undefined;
  const stat = await processStat(pid);
  return stat !== undefined && stat.start === start && stat.state !== 'Z' && stat.state !== 'X';
}

/** A holder as the end of a file name. */
export function holderTag({ pid, start, boot, namespace }: Holder): string {
  return `~${pid}.${start}.${boot}.${namespace}`;
}

/** The holder in a file name that ends in its tag; undefined when there is none. */
export function holderOfName(name: string): Holder | undefined {
  const [, pid, start, boot, namespace] = /~(\d+)\.(\d+)\.([0-9a-f-]{36})\.(\d+)$/.exec(name) ?? [];
  if (pid === undefined || start === undefined || boot === undefined || namespace === undefined) return undefined;
  return { pid: Number(pid), start, boot, namespace };
}

async function processStat(pid: number): Promise<{ readonly state: string; readonly start: string } | undefined> {
  try {
    return statOf(await readFile(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    const errno = errnoOf(error);
    // ESRCH: it ended while its stat was being read.
    if (errno === 'ENOENT' || errno === 'ESRCH') return undefined;
    throw error;
  }
}

/** State and start time: fields 3 and 22. The name in field 2 may hold anything, spaces and parentheses too. */
function statOf(text: string): { readonly state: string; readonly start: string } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const start = fields[19];
  if (state === undefined || start === undefined) throw new TypeError('/proc/<pid>/stat has too few fields');
  return { state, start };
}
