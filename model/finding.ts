/** Findings of preflight, doctor and status: each with what it means and its remedy. */

export interface Finding {
  /** Stable name, `<area>.<what>`: `postgres.wal-level`, `files.mount-below-path`. */
  readonly code: string;
  /** `error` stops a capture; `warning` is recorded in the manifest; `info` is only shown. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The literal command or change that mends it. */
  readonly remedy: string | null;
  /** The source, destination or key it is about. */
  readonly subject: string;
}
