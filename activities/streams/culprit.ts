/** Which program of a failed pipeline is to blame, and the error that says so. */
import { BackupError, type ErrorFacts } from '../../model/errors.ts';
import type { Ended, Program } from './types.ts';

export interface Outcome {
  readonly program: Program;
  readonly ended: Ended;
  /** True when we ended it because another had failed. */
  readonly stopped: boolean;
  /** True when it left a part of its input unread. */
  readonly leftInput?: boolean;
}

export interface Culprit {
  readonly ended: Ended;
  /** It ended well, but before the program before it had written everything. */
  readonly stoppedReading: boolean;
}

/** Whether this exit counts as success. */
export function succeeded({ program, ended }: Pick<Outcome, 'program' | 'ended'>): boolean {
  if (ended.code === null) return false;
  return ended.code === 0 || (program.accept ?? []).includes(ended.code) || program.accepts?.(ended) === true;
}

/**
 * The first cause of a failed pipeline; undefined when all went well. A failure travels downstream as a
 * truncated input and upstream as a broken pipe: so broken pipes and what we ended ourselves are consequences, and of
 * the rest the one furthest upstream is the cause. Where there are only broken pipes, whoever stopped reading is.
 */
export function findCulprit(outcomes: readonly Outcome[]): Culprit | undefined {
  const failures = outcomes.filter((outcome) => !succeeded(outcome));
  const cause = failures.find((outcome) => !outcome.stopped && !isBrokenPipe(outcome.ended));
  if (cause) return { ended: cause.ended, stoppedReading: false };
  const lastBroken = outcomes.findLastIndex((outcome) => !succeeded(outcome) && isBrokenPipe(outcome.ended));
  const reader = outcomes[lastBroken + 1];
  if (lastBroken >= 0 && reader && succeeded(reader)) return { ended: reader.ended, stoppedReading: true };
  const first = failures[0];
  if (first) return { ended: first.ended, stoppedReading: false };
  // What it left was so little that it fitted into the pipe, and nobody noticed.
  const lazy = outcomes.find(({ leftInput }) => leftInput);
  return lazy && { ended: lazy.ended, stoppedReading: true };
}

/** SIGPIPE itself, or a program that catches it and says so. */
function isBrokenPipe({ code, signal, stderr }: Ended): boolean {
  if (signal === 'SIGPIPE' || code === 128 + 13) return true;
  return code !== 0 && signal === null && /broken pipe/i.test(stderr);
}

/** The error of a program that failed: what it was, how it ended, what it said last. */
export function programFailure({ ended, stoppedReading }: Culprit): BackupError {
  const facts = factsOf(ended);
  if (stoppedReading) {
    return new BackupError('program-failed', `${ended.command} stopped reading before the end of its input.`, {
      facts,
    });
  }
  // What a killed program said before has nothing to do with its end.
  const said = ended.signal === null ? lastLine(ended.stderr) : '';
  const message = `${ended.command} ${howItEnded(ended)}${said ? `: ${said}` : '.'}`;
  if (FULL_DISK.test(ended.stderr)) {
    return new BackupError('no-space', message, { facts, remedy: 'Free space on the file system that it writes to.' });
  }
  return new BackupError('program-failed', message, { facts });
}

/** tar does not say why it wrote a part of a block only, and nothing else makes it. */
const FULL_DISK = /no space left on device|disk quota exceeded|: wrote only \d+ of \d+ bytes/i;

/** Facts for logs and `--json`: the end of stderr, not all of what is kept. */
function factsOf(ended: Ended): ErrorFacts {
  return {
    program: ended.command,
    code: ended.code,
    signal: ended.signal,
    stderr: ended.stderr.slice(-SHOWN).trim(),
  };
}

const SHOWN = 4096;

function howItEnded({ code, signal }: Ended): string {
  return signal === null ? `failed with exit code ${code}` : `was ended by ${signal}`;
}

/** Lines that only say that something went wrong before. */
const TRAILER =
  /^age: report unexpected|^pg_receivewal: error: disconnected$|^(?:\S*\/)?tar: (Exiting with failure|Error is not recoverable|Child returned)/;

function lastLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '' && !TRAILER.test(line))?.slice(0, 500) ?? '';
}
