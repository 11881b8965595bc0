/** What becomes of an upload that failed. */
import { BackupError } from '../../../model/errors.ts';

/** Failures after which the next attempt goes on with the same upload, at least while its parts are sent. */
const GOES_ON: ReadonlySet<string> = new Set(['unreachable', 'standstill', 'access-denied', 'config']);

export interface Left {
  readonly error: unknown;
  /** All parts are there: what failed is to make them one. */
  readonly wasSent: boolean;
  readonly signal: AbortSignal;
}

/** Whether the next attempt goes on with it; otherwise it is given back. */
export function isGoneOnWith({ error, wasSent, signal }: Left): boolean {
  const code = error instanceof BackupError ? error.code : undefined;
  if (code === undefined) return false;
  return GOES_ON.has(code) || (code === 'failed' && !wasSent) || (code === 'aborted' && isShuttingDown(signal));
}

/** A worker that is restarted is no operator who cancels: the next one goes on. The reason is Temporal's, as a text. */
function isShuttingDown({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN';
}
