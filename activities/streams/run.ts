/** Short commands: their whole output in memory. */
import { execa } from 'execa';
import { BackupError } from '../../model/errors.ts';
import { programFailure, succeeded } from './culprit.ts';
import { messageOf } from './errno.ts';
import { closeAll, openPipes } from './pipes.ts';
import { aborted } from './pipeline.ts';
import { commandLine, environment, extraPipes, giveTo, serve, theirEnds } from './programs.ts';
import { redaction, type Redact } from './redact.ts';
import { endGroups, signalGroup } from './signals.ts';
import type { Ended, Program } from './types.ts';

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which it is ended, and fails with `program-failed`. */
  readonly timeout?: number | undefined;
  /** Milliseconds that it has to end by itself when it is cancelled or late. */
  readonly grace?: number | undefined;
  /** Its stdin; empty without it. */
  readonly input?: string | Uint8Array | undefined;
  readonly redact?: Redact | undefined;
  /** What it prints is thrown away, however much it is; both are empty then. Else all of it is kept in memory. */
  readonly quiet?: boolean | undefined;
}

export interface Ran {
  /** Without its last line break. */
  readonly stdout: string;
  /** Without its last line break; secrets removed. */
  readonly stderr: string;
  /** 0, or a code that the program accepts. */
  readonly code: number;
}

/** Milliseconds between SIGTERM and SIGKILL. */
const GRACE = 5_000;

/**
 * Runs a command to its end. Fails with `missing-program`, `program-failed` (any exit code but 0 and those that
 * the program accepts, a signal, the timeout), or `aborted`. No child is left behind, nor what it has started.
 */
export async function runProgram(program: Program, options: RunOptions = {}): Promise<Ran> {
  const { signal, timeout, grace = GRACE, input, quiet } = options;
  const printed = quiet === true ? 'ignore' : 'pipe';
  if (signal?.aborted) throw aborted();
  const [command, ...args] = commandLine(program);
  const redact = redaction([program], options.redact);
  const pipes = await openPipes(extraPipes(program));
  if (program.user) for (const pipe of pipes) giveTo(program.user, pipe);
  // execa takes any descriptor; its types name 3 to 9 only.
  const further = theirEnds(program, pipes) as readonly 3[];
  const child = execa(command, args, {
    stdio: [input === undefined ? 'ignore' : Buffer.from(input), printed, printed, ...further],
    cwd: program.cwd ?? process.cwd(),
    env: environment(program),
    reject: false,
    // Its own process group, ended as a whole below.
    detached: true,
    cleanup: false,
  });
  const { pid } = child;
  if (pid === undefined) {
    closeAll(pipes.flatMap(({ read, write }) => [read, write]));
    const why = messageOf(await child);
    throw new BackupError('program-failed', `${program.command} could not be started: ${why}`);
  }
  let ending: BackupError | undefined;
  let running = true;
  const exited = child.then(() => void (running = false));
  function end(reason: BackupError): void {
    ending ??= reason;
    void endGroups([{ pid: pid ?? 0, running: () => running, exited }], grace);
  }
  const cancel = () => end(aborted());
  signal?.addEventListener('abort', cancel, { once: true });
  const timer = timeout === undefined ? undefined : setTimeout(() => end(late(program, timeout)), timeout);
  const [result] = await Promise.all([child, serve(program, pipes)]).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    signalGroup({ pid, running: () => running }, 'SIGKILL');
  });
  if (ending) throw ending;
  const ended: Ended = {
    command: program.command,
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stderr: redact(result.stderr ?? ''),
  };
  if (ended.code === null || !succeeded({ program, ended })) throw programFailure({ ended, stoppedReading: false });
  return { stdout: result.stdout ?? '', stderr: ended.stderr, code: ended.code };
}

function late({ command }: Program, timeout: number): BackupError {
  return new BackupError('program-failed', `${command} did not end within ${timeout / 1000} s, so it was ended.`, {
    facts: { program: command, timeout },
  });
}
