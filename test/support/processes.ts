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
  return processes().filter(({ pid }) => readProc(pid, 'environ').split('\0').includes(`${OWNER}=${owner}`));
}

/** The living processes that have a text in their arguments or environment, or run below it. */
export function processesNaming(text: string): readonly FoundProcess[] {
  return processes().filter(
    ({ pid, args }) =>
      pid !== process.pid && (args.join('\0').includes(text) || readProc(pid, 'environ').includes(text)),
  );
}

/** The command lines of all processes, sampled until it is stopped. */
export function sampleArguments(interval = 25): { stop(): ReadonlySet<string> } {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const { args } of processes()) seen.add(args.join(' '));
  }, interval);
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
      args: readProc(pid, 'cmdline').split('\0').slice(0, -1),
    }));
}

function readProc(pid: number, file: 'stat' | 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It has ended since it was listed.
    return '';
  }
}
