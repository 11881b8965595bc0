/** The real command line in processes of its own, which a test stops, wakes and kills. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { OWNER } from './processes.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../client/cli/main.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('signal-at.mjs', import.meta.url));

/** The point at which a process sends itself a signal; see signal-at.mjs. */
export interface SignalPoint {
  /** `path/of/file.ts#exportedFunction`, or `fs#function` of node:fs/promises. */
  readonly at: string;
  /** Default `entered`. `left`: it has succeeded, and nobody knows yet. */
  readonly when?: 'entered' | 'left';
  /** Counts only calls with a text argument that matches. */
  readonly matching?: string;
  /** Which of these calls counts, from 1. */
  readonly nth?: number;
  /** Default SIGKILL. `HOLD`: none, the call stands still until the work that it is given is cancelled. */
  readonly signal?: 'SIGKILL' | 'SIGSTOP' | 'HOLD';
}

export interface CommandOptions {
  /** Arguments after `mosaic-backup`. */
  readonly args: readonly string[];
  /** Marks the process and all its children, so that `processesOf` finds them. */
  readonly owner: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of another version of the program; default that of this checkout. */
  readonly main?: string;
  readonly point?: SignalPoint;
  /** The file that is made when the point is reached. */
  readonly reached?: string;
  /** A module that the process loads first, such as signal-steps.mjs. */
  readonly preload?: string;
}

export interface CommandProcess {
  readonly pid: number;
  /** All that it has printed, and stdout alone. */
  readonly output: () => string;
  readonly stdout: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly running: () => boolean;
  /** Waits until it has printed this; fails when it ends before. */
  printed(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and its end; a stopped one is woken. */
  end(): Promise<void>;
}

/** Milliseconds that a start may take on a machine that is busy with other things. */
const SLOWEST_START = 60_000;

/** Starts the command line. Its process dies with the test's own. */
export function startCommand(options: CommandOptions): CommandProcess {
  const { args, owner, env = {}, main = MAIN, point, reached, preload } = options;
  const first = preload ?? (point ? SIGNAL_AT : undefined);
  const hook = first === undefined ? [] : ['--import', first];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, ...hook, main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, [OWNER]: owner, ...signalEnvironment(point, reached) },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('setpriv could not be started');
  let stdout = '';
  let output = '';
  let running = true;
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    output += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    output += data.toString();
  });
  child.once('exit', () => {
    running = false;
  });
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => ({
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? signal : null,
  }));
  return {
    pid,
    output: () => output,
    stdout: () => stdout,
    ended,
    running: () => running,
    async printed(text) {
      await until(
        `"${text}" of ${args.join(' ')}`,
        () => {
          if (!output.includes(text) && !running) throw new Error(`${args.join(' ')} ended early:\n${output}`);
          return output.includes(text);
        },
        SLOWEST_START,
      );
    },
    kill: (signal) => void child.kill(signal),
    async end() {
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const forced = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(forced);
    },
  };
}

/** Runs a command to its end. */
export async function runCommand(options: CommandOptions): Promise<{
  readonly code: number | null;
  readonly stdout: string;
  readonly output: string;
}> {
  const command = startCommand(options);
  const { code } = await command.ended;
  return { code, stdout: command.stdout(), output: command.output() };
}

/** Waits until a process has reached its point, and is dead, stopped or held there. */
export async function atPoint(command: CommandProcess, point: SignalPoint, reached: string): Promise<void> {
  await until(`${point.at} of a worker`, () => {
    if (existsSync(reached)) return true;
    if (!command.running()) throw new Error(`the worker ended before it came to ${point.at}:\n${command.output()}`);
    return false;
  });
  if (point.signal === 'HOLD') return;
  if (point.signal !== 'SIGSTOP') return void (await command.ended);
  // The file is there before: a process that is woken then stops behind its waking, for ever.
  await until(`the stop of a worker at ${point.at}`, () => isStopped(command.pid));
}

function isStopped(pid: number): boolean {
  // The name of a program, in brackets, may hold anything.
  return /\) T [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

function signalEnvironment(point: SignalPoint | undefined, reached: string | undefined): Record<string, string> {
  if (!point) return {};
  if (!reached) throw new TypeError('a point needs a file that tells that it is reached');
  return {
    SIGNAL_AT: point.at,
    SIGNAL_ONCE: reached,
    ...(point.when ? { SIGNAL_WHEN: point.when } : {}),
    ...(point.matching ? { SIGNAL_IF: point.matching } : {}),
    ...(point.nth ? { SIGNAL_NTH: String(point.nth) } : {}),
    ...(point.signal ? { SIGNAL: point.signal } : {}),
  };
}
