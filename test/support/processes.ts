/** Looking at all processes of this machine, as /proc tells them. */
import { readdirSync, readFileSync } from 'node:fs';

/** Whoever belongs to a test has this variable; children inherit it. */
export const OWNER = 'MOSAIC_TEST_OWNER';

export interface FoundProcess {
  readonly pid: number;
  /** The program's name, as the kernel has it: 15 characters. */
  readonly name: string;
  readonly args: readonly string[];
}

/** The living processes that were started with `MOSAIC_TEST_OWNER` set to this owner. */
export function processesOf(owner: string): readonly FoundProcess[] {
  return processes().filter(({ pid }) => isOf(owner, pid));
}

/** The living processes, this one apart, that have a text in their arguments or environment. */
export function processesNaming(text: string): readonly FoundProcess[] {
  return processes().filter(
    ({ pid, args }) =>
      pid !== process.pid && (args.join('\0').includes(text) || readProc(pid, 'environ').includes(text)),
  );
}

/** A new process is looked at so often: its arguments change as it becomes the program that it starts. */
const LOOKS = 5;

/** The command lines of an owner's processes, sampled until it is stopped. */
export function sampleArguments(owner: string, interval = 20): { stop(): ReadonlySet<string> } {
  const seen = new Set<string>();
  const looks = new Map<string, number>();
  function look(): void {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      const before = looks.get(pid) ?? 0;
      if (before >= LOOKS) continue;
      looks.set(pid, before + 1);
      if (isOf(owner, Number(pid))) seen.add(argumentsOf(Number(pid)).join(' '));
    }
  }
  const timer = setInterval(look, interval);
  return {
    stop() {
      clearInterval(timer);
      return seen;
    },
  };
}

/** Zombies are left out: they have ended, and only wait to be reaped by whoever adopted them. */
function processes(): readonly FoundProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), stat: readProc(Number(entry), 'stat') }))
    .filter(({ stat }) => stat !== '' && !/\) [ZX] /.test(stat))
    .map(({ pid, stat }) => ({
      pid,
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      args: argumentsOf(pid),
    }));
}

function isOf(owner: string, pid: number): boolean {
  return readProc(pid, 'environ').split('\0').includes(`${OWNER}=${owner}`);
}

function argumentsOf(pid: number): readonly string[] {
  return readProc(pid, 'cmdline').split('\0').slice(0, -1);
}

function readProc(pid: number, file: 'stat' | 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It has ended since it was listed.
    return '';
  }
}
