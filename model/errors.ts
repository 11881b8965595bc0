/**
 * The product's one error taxonomy. Every expected failure is a `BackupError` with a stable `code`;
 * anything else that is thrown is a bug. A code decides the exit status of the command line and
 * whether Temporal tries the step again.
 */

/** What each code means for the command line (`exit`) and for a step that failed with it (`retryable`). */
const CODES = {
  usage: { exit: 2, retryable: false },
  config: { exit: 2, retryable: false },
  ambiguous: { exit: 2, retryable: false },
  failed: { exit: 1, retryable: true },
  partial: { exit: 3, retryable: false },
  refused: { exit: 4, retryable: false },
  'preflight-failed': { exit: 4, retryable: true },
  'no-space': { exit: 4, retryable: true },
  /** In cold storage: it must be thawed before it can be read. */
  frozen: { exit: 4, retryable: false },
  'not-empty': { exit: 4, retryable: false },
  'missing-program': { exit: 4, retryable: true },
  'missing-identity': { exit: 4, retryable: false },
  aborted: { exit: 5, retryable: false },
  'not-found': { exit: 6, retryable: false },
  busy: { exit: 7, retryable: true },
  conflict: { exit: 7, retryable: false },
  'lease-lost': { exit: 7, retryable: false },
  unreachable: { exit: 8, retryable: true },
  'access-denied': { exit: 8, retryable: true },
  'program-failed': { exit: 1, retryable: true },
  'implausible-size': { exit: 1, retryable: true },
  standstill: { exit: 1, retryable: true },
  'verification-failed': { exit: 9, retryable: false },
  'not-authentic': { exit: 9, retryable: false },
  'doctor-found-problems': { exit: 10, retryable: false },
} as const satisfies Record<string, { exit: number; retryable: boolean }>;

/** Stable, machine-readable name of a kind of failure. */
export type ErrorCode = keyof typeof CODES;

/** Facts of a failure, for logs and `--json`. Never secrets. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface BackupErrorOptions {
  /** What the reader should do now, as an instruction. */
  readonly remedy?: string;
  readonly facts?: ErrorFacts;
  readonly cause?: unknown;
  /** Overrides what the code says about trying again. */
  readonly retryable?: boolean;
}

/**
 * An expected failure. `message` says what happened and what it means, `remedy` what to do,
 * `facts` carry the details. None of them may hold a secret.
 */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly facts: ErrorFacts;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: BackupErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.facts = options.facts ?? {};
    this.retryable = options.retryable ?? CODES[code].retryable;
  }
}

/** The exit status of the command line for an error code. */
export function exitStatus(code: ErrorCode): number {
  return CODES[code].exit;
}

/** Whether a string (from another process, or from Temporal) is one of our codes. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(CODES, value);
}
