/** Joins Temporal's activity context to the `Work` that adapters know: heartbeats, cancellation, errors. */
import { activityInfo, ApplicationFailure, CancelledFailure, Context, log } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { BackupError } from '../model/errors.ts';
import { HANDED_BACK, type Waits } from '../model/run.ts';
import { z } from 'zod';
import type { ProgressReport, Work } from './work.ts';

/** A step without waits of its own stands still after this many milliseconds. */
const DEFAULT_STANDSTILL = 600_000;

export interface StepWaits {
  readonly waits?: Pick<Waits, 'standstill'>;
  /** Failures that whoever cancels the step must hear of all the same. Absent: none. */
  readonly outlasts?: (error: unknown) => boolean;
}

/**
 * Runs the body of an activity. Heartbeats go out regularly with the last progress, also while nothing moves
 * (syncing a large file): that a step stands still is judged by its streams, not by silence.
 */
export async function runStep<T>({ waits, outlasts }: StepWaits, body: (work: Work) => Promise<T>): Promise<T> {
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
    if (isStopping(context)) throw handedBack();
    // The reason of a cancelled activity is a CancelledFailure: thrown on, Temporal shows the step as cancelled.
    if (context.cancellationSignal.aborted && !outlasts?.(error)) throw context.cancellationSignal.reason;
    throw asFailure(error);
  } finally {
    clearInterval(timer);
  }
}

/**
 * What a step was sent, parsed before anything is done: what is wrong is told here, and not by whatever would stumble over it.
 * @throws ApplicationFailure `usage`, which is not tried again.
 */
export function received<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const told = z.prettifyError(parsed.error);
  throw asFailure(
    new BackupError('usage', `this step was sent what it does not understand:\n${told}`, {
      remedy: 'Let all hosts and clients of the site have one version, then run the same plan and time again.',
    }),
  );
}

/** The worker is being stopped, and nobody has cancelled anything. */
function isStopping({ cancellationSignal: { aborted, reason } }: Context): boolean {
  return aborted && reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN';
}

/** Milliseconds, for steps that Temporal itself tries again. By then another worker may be there, or this one again. */
const HANDED_ON_AFTER = 1000;

/**
 * The step did not fail: it goes on elsewhere, or when the worker is back. Temporal knows no other word for that than a
 * failure that is tried again, so it is one that counts for nothing (`step-error.ts`).
 */
function handedBack(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'the worker was stopped: this step goes on with the next one that there is',
    type: HANDED_BACK,
    nonRetryable: false,
    nextRetryDelay: HANDED_ON_AFTER,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ remedy: 'Nothing needs to be done, where a worker of the host is started again.' }],
  });
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
