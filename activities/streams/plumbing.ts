/** Starting of programs with kernel pipes between them. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isErrno } from './errno.ts';
import { closeAll, openPipes, type Pipe } from './pipes.ts';
import { extraPipes, startProgram, type Started } from './programs.ts';
import type { Redact } from './redact.ts';
import { signalGroups } from './signals.ts';
import type { Limits, Program } from './types.ts';

export interface Chain {
  readonly started: readonly Started[];
  /** Write end of the first program's stdin, and read end of the last one's stdout; the caller closes them. */
  readonly input: number | undefined;
  readonly output: number | undefined;
  /** For each program that reads another's output: whether a part of it is still unread. Asked once, at its end. */
  readonly unread: ReadonlyMap<Started, () => boolean>;
}

export interface ChainOptions {
  readonly programs: readonly Program[];
  /** Whether the caller writes the first program's stdin, and reads the last one's stdout. */
  readonly input: boolean;
  readonly output: boolean;
  readonly limits: Limits;
  readonly redact: Redact;
}

interface Ends {
  readonly stdin: number | 'ignore';
  readonly stdout: number | 'ignore';
  readonly pipes: readonly Pipe[];
}

/** Starts all programs, or none: when one cannot be started, those before it are ended. */
export async function startChain(options: ChainOptions): Promise<Chain> {
  const { programs, limits, redact } = options;
  const between = programs.length - 1 + Number(options.input) + Number(options.output);
  const pipes = await openPipes(programs.reduce((sum, program) => sum + extraPipes(program), between));
  const joints = pipes.slice(0, between);
  const first = options.input ? joints[0] : undefined;
  const last = options.output ? joints.at(-1) : undefined;
  const ends = endsOf(programs, options, pipes, between);
  const started: Started[] = [];
  try {
    for (const [index, program] of programs.entries()) {
      const { stdin, stdout, pipes } = ends[index] ?? { stdin: 'ignore', stdout: 'ignore', pipes: [] };
      started.push(await startProgram(program, { stdin, stdout, pipes, limits, redact }));
    }
    const unread = new Map(started.slice(1).map((each, index) => [each, restOf(ends[index + 1]?.stdin)]));
    // The children hold their ends now: while we held them too, none would ever see an end or a broken pipe.
    closeAll(
      joints.flatMap((joint) => [joint.read, joint.write]).filter((fd) => fd !== first?.write && fd !== last?.read),
    );
    return { started, input: first?.write, output: last?.read, unread };
  } catch (error) {
    // The pipes of the program that failed were closed by startProgram.
    const unused = ends.slice(started.length + 1).flatMap(({ pipes }) => pipes);
    closeAll([...joints, ...unused].flatMap(({ read, write }) => [read, write]));
    signalGroups(started, 'SIGKILL');
    await Promise.all(started.map(({ exited }) => exited));
    throw error;
  }
}

function endsOf(
  programs: readonly Program[],
  { input }: ChainOptions,
  pipes: readonly Pipe[],
  between: number,
): readonly Ends[] {
  const shift = input ? 0 : -1;
  let next = between;
  return programs.map((program, index) => {
    const extra = pipes.slice(next, next + extraPipes(program));
    next += extra.length;
    const before = pipes[index + shift];
    const after = index + shift + 1 < between ? pipes[index + shift + 1] : undefined;
    return { stdin: before?.read ?? 'ignore', stdout: after?.write ?? 'ignore', pipes: extra };
  });
}

/**
 * Whether something is left in the pipe that a program has read. A reader of our own shows it, and is closed
 * then: while it is open, whoever writes the pipe is not told that nobody reads any more.
 */
function restOf(stdin: number | 'ignore' | undefined): () => boolean {
  if (typeof stdin !== 'number') return () => false;
  const fd = openSync(`/proc/self/fd/${stdin}`, constants.O_RDONLY | constants.O_NONBLOCK);
  return function unread() {
    try {
      return readSync(fd, Buffer.alloc(1)) > 0;
    } catch (error) {
      // Nothing there, and the other end is still open.
      if (isErrno(error, 'EAGAIN')) return false;
      throw error;
    } finally {
      closeSync(fd);
    }
  };
}
