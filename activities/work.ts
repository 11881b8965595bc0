/** What every adapter gets from its caller: cancellation, progress and logging. No adapter knows Temporal. */

/** A snapshot of how far a piece of work has come. All counts are cumulative. */
export interface ProgressReport {
  /** What goes on, in words an operator understands: `reading`, `copying to vault`. */
  readonly phase: string;
  /** Bytes moved so far. */
  readonly bytes: number;
  /** Bytes expected in all, from earlier runs; null where nothing is known. */
  readonly total: number | null;
  /** Ticks of CPU and I/O of the children: shows life where no bytes move. */
  readonly activity: number;
}

export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface Work {
  /** Aborted on cancellation; adapters end their children and clean up. */
  readonly signal: AbortSignal;
  progress(report: ProgressReport): void;
  readonly log: Logger;
  /** Milliseconds without bytes, CPU or I/O after which children are ended with `standstill`. */
  readonly standstill: number;
}
