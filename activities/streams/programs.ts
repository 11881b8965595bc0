/** One program of a pipeline: how it is started, and how it is ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fchownSync } from 'node:fs';
import { Socket } from 'node:net';
import { BackupError } from '../../model/errors.ts';
import { messageOf } from './errno.ts';
import { linesOf } from './lines.ts';
import { NO_LIMITS, priorityPrefix } from './limits.ts';
import { locate } from './locate.ts';
import { closeAll, type Pipe } from './pipes.ts';
import { pollPipe } from './poll.ts';
import type { Redact } from './redact.ts';
import { type Group, signalGroup } from './signals.ts';
import { tailOf } from './tail.ts';
import type { Ended, Limits, Program } from './types.ts';

export interface Started extends Group {
  readonly program: Program;
  /** It has ended and all that it printed is read. Never rejects. */
  readonly exited: Promise<void>;
  /** Exit status, the end of stderr, and the last of its lines. Rejects only with what `onLine` or `onStderr` threw. */
  readonly ended: Promise<Ended>;
  /** Writes what its gate holds back, or only ends it. To be called once, for a program that has one. */
  readonly openGate: (open: boolean) => void;
}

export interface StartOptions {
  readonly stdin: number | 'ignore';
  readonly stdout: number | 'ignore';
  /** One pipe for each of the program's `inputs`, and one more for its `onLine`. Their ends are closed here. */
  readonly pipes: readonly Pipe[];
  readonly limits: Limits;
  readonly redact: Redact;
}

/** How long, in ms, what a finished program has started may keep its stderr or lines open. */
const LINGER = 1_000;

/**
 * Makes the program the leader of its own process group: signals reach what it started, and ^C on the terminal does
 * not reach it past us. Node could only give it a session of its own (`detached`), and then Linux's autogroups
 * schedule each program of the pipeline against all others: on a busy machine the same pipeline took 1.7 times as
 * long as a shell's, and takes as long as that without. A worker that died before the parent-death signal was set
 * sends none: then the parent is another one, and the program is not begun.
 */
const LEAD_GROUP = `
setpgrp(0, 0) or die "setpgrp: $!\\n";
getppid() == shift @ARGV or die "the worker has died\\n";
exec { $ARGV[0] } @ARGV; die "$ARGV[0]: $!\\n";
`;

/** How many pipes a program needs besides stdin and stdout. */
export function extraPipes(program: Program): number {
  return (program.inputs?.length ?? 0) + (program.gate === undefined ? 0 : 1) + (program.onLine ? 1 : 0);
}

/**
 * The whole command. setpriv sets the parent-death signal, so that a worker that is killed takes its children
 * along. A change of uid clears that signal, hence in the same call. The signal is tied to the thread that spawns,
 * which is Node's main thread.
 */
export function commandLine(
  program: Program,
  limits: Limits = NO_LIMITS,
  lead = false,
): readonly [string, ...string[]] {
  const user = program.user ? [`--reuid=${program.user.uid}`, `--regid=${program.user.gid}`, '--clear-groups'] : [];
  const leader = lead ? [locate('perl'), '-e', LEAD_GROUP, String(process.pid)] : [];
  const command = [locate(program.command, program.env), ...program.args];
  const rights = program.withoutSetId ? ['--no-new-privs'] : [];
  const line = [locate('setpriv'), '--pdeathsig', 'KILL', ...rights, ...user, '--', ...leader, ...command];
  const [first = '', ...rest] = [...priorityPrefix(limits), ...line];
  return [first, ...rest];
}

/** Messages are parsed and shown, so they are in English, whatever the machine's language. */
export function environment(program: Program): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C.UTF-8', ...program.env };
}

/**
 * Starts a program as the leader of its own process group. Stdin's and stdout's descriptors stay the
 * caller's; `pipes` are taken over, whatever happens.
 */
export async function startProgram(program: Program, options: StartOptions): Promise<Started> {
  const { pipes } = options;
  try {
    const child = launch(program, options);
    const pid = child.pid ?? (await failedStart(child));
    return { program, pid, ...follow(child, pid, program, options) };
  } catch (error) {
    closeAll(pipes.flatMap(({ read, write }) => [read, write]));
    if (error instanceof BackupError) throw error;
    throw new BackupError('program-failed', `${program.command} could not be started: ${messageOf(error)}`, {
      facts: { program: program.command, cwd: program.cwd ?? null },
      cause: error,
    });
  }
}

function launch(program: Program, { stdin, stdout, pipes, limits }: StartOptions): ChildProcess {
  const [command, ...args] = commandLine(program, limits, true);
  if (program.user) for (const pipe of pipes) giveTo(program.user, pipe);
  return spawn(command, args, {
    stdio: [stdin, stdout, 'pipe', ...theirEnds(program, pipes)],
    env: environment(program),
    cwd: program.cwd,
  });
}

/** Node reports a program that could not be started as an event. */
async function failedStart(child: ChildProcess): Promise<never> {
  const [error] = await once(child, 'error');
  throw error;
}

type Followed = Pick<Started, 'running' | 'exited' | 'ended' | 'openGate'>;

function follow(child: ChildProcess, pid: number, program: Program, { pipes, redact }: StartOptions): Followed {
  let running = true;
  const exited = once(child, 'exit').then(([code, signal]) => {
    running = false;
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const stderr = child.stderr ? tailOf(child.stderr, program.onStderr) : Promise.resolve('');
  const gone = new AbortController();
  child.once('exit', () => gone.abort());
  const read = Promise.all([stderr, serve(program, pipes, gone.signal)]);
  const gate = program.gate === undefined ? undefined : pipes[program.inputs?.length ?? 0];
  return {
    openGate: (open) => gate && writeInput(gate.write, open ? (program.gate ?? '') : ''),
    running: () => running,
    exited: exited.then(() => sweepWhenRead(pid, read)),
    ended: Promise.all([exited, read]).then(([{ code, signal }, [text]]) => {
      return { command: program.command, code, signal, stderr: redact(text) };
    }),
  };
}

/**
 * Our side of a program's further pipes, once it is started: writes its inputs and passes on its lines.
 * Resolves at the end of the lines, which is near when `ended` is aborted; rejects with what `onLine` throws.
 */
export async function serve(
  { inputs = [], gate, onLine }: Program,
  pipes: readonly Pipe[],
  ended?: AbortSignal,
): Promise<void> {
  // The child holds its ends now.
  closeAll(theirEnds({ inputs, gate }, pipes));
  for (const [index, pipe] of pipes.entries()) {
    const input = inputs[index];
    if (input !== undefined) writeInput(pipe.write, input);
    else if (gate !== undefined && index === inputs.length) continue;
    else for await (const line of linesOf(pollPipe(pipe.read, ended))) onLine?.(line);
  }
}

/** The ends that the program gets, on descriptors from 3 on. */
export function theirEnds(
  { inputs = [], gate }: { readonly inputs?: Program['inputs']; readonly gate?: string | undefined },
  pipes: readonly Pipe[],
): readonly number[] {
  const read = inputs.length + (gate === undefined ? 0 : 1);
  return pipes.map((pipe, index) => (index < read ? pipe.read : pipe.write));
}

function writeInput(fd: number, input: string | Uint8Array): void {
  const socket = new Socket({ fd, readable: false, writable: true });
  // A program that ends without reading its input says why by its exit status.
  socket.on('error', () => undefined);
  socket.end(input);
}

/** What a finished program left running must not keep its stderr or lines open for ever. */
async function sweepWhenRead(pid: number, read: Promise<unknown>): Promise<void> {
  const sweep = setTimeout(signalGroup, LINGER, { pid, running: () => false }, 'SIGKILL');
  // A failure to read is reported by `ended`.
  await read.catch(() => undefined);
  clearTimeout(sweep);
}

/** A pipe's inode belongs to whom made it: another user could not open it as /dev/fd/3. */
export function giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }, pipe: Pipe): void {
  fchownSync(pipe.read, uid, gid);
}
