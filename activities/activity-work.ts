/** Joins Temporal's activity context to the `Work` that adapters know: heartbeats, cancellation, errors. */
import { activityInfo, ApplicationFailure, Context, log } from '@temporalio/activity';
import { BackupError } from '../model/errors.ts';
import type { Waits } from '../model/run.ts';
import type { ProgressReport, Work } from './work.ts';

/** A step without waits of its own stands still after this many milliseconds. */
const DEFAULT_STANDSTILL = 600_000;

/**
 * Runs the body of an activity. Heartbeats go out regularly with the last progress, also while nothing moves
 * (syncing a large file): that a step stands still is judged by its streams, not by silence.
 */
export async function runStep<T>(waits: Waits | undefined, body: (work: Work) => Promise<T>): Promise<T> {
  const context = Context.current();
  let last: ProgressReport | undefined;
  const interval = heartbeatInterval();
  const timer = interval === undefined ? undefined : setInterval(() => context.heartbeat(last), interval);
  const work: Work = {
    signal: context.cancellationSignal,
    progress: (report) => {
      last = report;
    },
    log: {
      debug: (facts, message) => log.debug(message, { ...facts }),
      info: (facts, message) => log.info(message, { ...facts }),
      warn: (facts, message) => log.warn(message, { ...facts }),
      error: (facts, message) => log.error(message, { ...facts }),
    },
    standstill: waits?.standstill ?? DEFAULT_STANDSTILL,
  };
  try {
    return await body(work);
  } catch (error) {
    // The reason of a cancelled activity is a CancelledFailure: thrown on, Temporal shows the step as cancelled.
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    throw asFailure(error);
  } finally {
    clearInterval(timer);
  }
}

/** Three heartbeats fit into the time-out, at most one a second. */
function heartbeatInterval(): number | undefined {
  const { heartbeatTimeoutMs } = activityInfo();
  return heartbeatTimeoutMs ? Math.max(250, Math.min(1000, heartbeatTimeoutMs / 3)) : undefined;
}

/** Our taxonomy as Temporal's: the code is the failure's type, the remedy travels in its details. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !error.retryable,
    details: [{ remedy: error.remedy ?? null, facts: error.facts }],
  });
}
