/** What becomes of an upload that failed. */
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import type { Uploads } from './uploads.ts';

/** Failures after which the next attempt goes on with the same upload, at least while its parts are sent. */
const GOES_ON: ReadonlySet<string> = new Set(['unreachable', 'standstill', 'access-denied', 'config']);

export interface Failed {
  readonly error: unknown;
  /** All parts are there: what failed is to make them one. */
  readonly wasSent: boolean;
}

export interface Leaving {
  readonly uploads: Uploads;
  /** What is remembered of it. */
  readonly file: string;
  /** Name of the destination. */
  readonly destination: string;
  /** Gives back what was uploaded. */
  readonly abort: () => Promise<void>;
  readonly work: Pick<Work, 'log' | 'signal'>;
}

/** What is left of a failed upload: kept where the next attempt goes on with it, given back where none will. */
export async function leaveUpload({ uploads, file, destination, abort, work }: Leaving, failed: Failed): Promise<void> {
  if (isGoneOnWith(failed, work.signal)) {
    await uploads.release(file);
    return;
  }
  try {
    await abort();
    await uploads.forget(file);
  } catch (problem) {
    if (!(problem instanceof BackupError)) throw problem;
    // Whoever uploads here next looks for it; the first failure is what the operator must know.
    work.log.warn({ destination, problem: problem.message }, 'upload could not be aborted');
    await uploads.release(file);
  }
}

function isGoneOnWith({ error, wasSent }: Failed, signal: AbortSignal): boolean {
  const code = error instanceof BackupError ? error.code : undefined;
  if (code === undefined) return false;
  return GOES_ON.has(code) || (code === 'failed' && !wasSent) || (code === 'aborted' && isShuttingDown(signal));
}

/** A worker that is restarted is no operator who cancels: the next one goes on. The reason is Temporal's, as a text. */
function isShuttingDown({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN';
}
