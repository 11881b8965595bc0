/** The one place that turns whatever was thrown into words, JSON and an exit status. */
import { inspect } from 'node:util';
import { BackupError, exitStatus, type ErrorCode, type ErrorFacts } from '../../model/errors.ts';
import type { Output } from './output.ts';

export interface Failure {
  /** A code of the taxonomy, or `bug`: something that should not have happened at all. */
  readonly code: ErrorCode | 'bug';
  readonly message: string;
  readonly remedy: string | null;
  readonly retryable: boolean;
  readonly facts: ErrorFacts;
  readonly exit: number;
}

/** What ended a command by a signal: ^C is 130, anything else an abort by the operator. */
export type Interruption = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * @param interruption the signal that came while the command ran: whatever it then threw is its consequence, and not worth a word; but for what it says
 * was left half done.
 */
export function failureOf(error: unknown, interruption?: Interruption): Failure {
  if (interruption !== undefined && !isUnfinished(error)) return interrupted(interruption);
  if (isDenied(error)) return denied(error);
  if (!(error instanceof BackupError)) return bug(error);
  const { code, message, remedy, retryable, facts } = error;
  return { code, message, remedy: remedy ?? null, retryable, facts, exit: exitStatus(code) };
}

/** Prints a failure: under --json as the command's one document on stdout, else for people on stderr. */
export function printFailure({ exit: _exit, ...error }: Failure, out: Output, redact: (text: string) => string): void {
  if (out.json) {
    // Redaction of the JSON text also reaches into facts; the forms that JSON escapes are known to it.
    out.result(JSON.parse(redact(JSON.stringify({ error }))), () => '');
    return;
  }
  const lines = [`mosaic-backup: ${error.message}`, ...(error.remedy === null ? [] : [`  → ${error.remedy}`])];
  out.note(redact(lines.join('\n')));
}

function isUnfinished(error: unknown): boolean {
  return error instanceof BackupError && error.facts['unfinished'] === true;
}

function interrupted(signal: Interruption): Failure {
  return {
    code: 'aborted',
    message: `Cancelled (${signal}). What was under way is cleaned up; nothing half-done is listed.`,
    remedy: null,
    retryable: false,
    facts: { signal },
    exit: signal === 'SIGINT' ? 130 : exitStatus('aborted'),
  };
}

/** The system's own refusal, for whichever file: a command run as another user than the one that backs up. */
function isDenied(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

function denied({ message }: Error): Failure {
  return {
    code: 'access-denied',
    message: `This user may not do that: ${message}`,
    remedy: 'Run it as the user that owns the repository and the state folder, or as root.',
    retryable: false,
    facts: {},
    exit: exitStatus('access-denied'),
  };
}

function bug(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'bug',
    message: `An error that mosaic-backup does not know: ${message}`,
    remedy: 'Please report it, with what you did and the output of the same command with -v.',
    retryable: false,
    facts: { stack: inspect(error) },
    exit: 1,
  };
}
