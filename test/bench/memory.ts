/**
 * Peak memory by sampling /proc: the resident set of a process, and the sum of those of all below it. Pages that
 * processes share (libraries) count for each; a peak between two samples is missed, but for the process itself,
 * whose peak the kernel keeps.
 */
import { readFileSync } from 'node:fs';

export interface Memory {
  /** Peak of the process itself, in bytes. */
  readonly own: number;
  /** Peak of the sum over all processes below it, in bytes. */
  readonly children: number;
}

export interface MemoryWatch {
  /** Ends it. Again: the same. */
  stop(): Memory;
}

/** Milliseconds: some twenty small reads each, less than a hundredth of a core. */
const INTERVAL = 100;

/** Watches a process and its descendants until stopped. */
export function watchMemory(pid: number | undefined): MemoryWatch {
  let own = 0;
  let children = 0;
  function sample(): void {
    if (pid === undefined) return;
    own = Math.max(own, statusBytes(pid, 'VmHWM'));
    const below = descendants(pid).map((child) => statusBytes(child, 'VmRSS'));
    children = Math.max(
      children,
      below.reduce((sum, bytes) => sum + bytes, 0),
    );
  }
  sample();
  // Whoever fails and forgets to stop it ends all the same.
  const timer = setInterval(sample, INTERVAL).unref();
  return {
    stop() {
      clearInterval(timer);
      sample();
      return { own, children };
    },
  };
}

function descendants(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(descendants)];
}

function statusBytes(pid: number, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`));
  return match ? Number(match[1]) * 1024 : 0;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
