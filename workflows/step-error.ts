/** What a failed step is to a report: the innermost cause, in the operator's words. */
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { DIED, HANDED_BACK, type StepError } from '../model/run.ts';

/** @throws the error itself when it is a cancellation: that is not a failure of the step. */
export function stepError(step: string, error: unknown): StepError {
  if (isCancellation(error)) throw error;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure)
    return { step, code: cause.type ?? 'failed', message: cause.message, remedy: remedyOf(cause), ...toldBy(cause) };
  if (cause instanceof TimeoutFailure) {
    const before = attemptBefore(cause);
    // No attempt had failed, and this one gave signs of life.
    if (before === undefined && hasValue(cause.lastHeartbeatDetails)) return tooSlow(step);
    const last = before instanceof ApplicationFailure ? before : undefined;
    return {
      step,
      code: last?.type ?? 'unreachable',
      message: last ? `still failing at its deadline: ${last.message}` : 'no worker did this step before its deadline',
      remedy:
        (last && remedyOf(last)) ??
        'Look whether the worker on this host runs ("mosaic-backup up" or "mosaic-backup worker").',
    };
  }
  return { step, code: 'failed', message: cause instanceof Error ? cause.message : String(cause), remedy: null };
}

/**
 * A deadline that passes between two attempts carries the last attempt's failure as its cause. The SDK's converter
 * makes an error of the time-out without its cause, but keeps the message that it was made of.
 */
function attemptBefore({ cause, failure }: TimeoutFailure): Error | undefined {
  const kept = failure?.cause && defaultFailureConverter.failureToError(failure.cause, defaultPayloadConverter);
  return cause ?? kept ?? undefined;
}

function tooSlow(step: string): StepError {
  return {
    step,
    code: 'failed',
    message: 'it was still at work when the plan was due again, and was ended',
    remedy: DUE_AGAIN,
  };
}

/** Why an attempt failed, for a step that the workflow itself tries again. */
export interface StepFailure {
  readonly error: StepError;
  /** Whether another attempt may do better. */
  readonly retryable: boolean;
  /** Whether its worker died, or nobody took it: what is to be asked next is whether its host is there. */
  readonly workerLost: boolean;
  /** Whether nobody has begun it: it stood in the queue, behind others where its host is there. */
  readonly queued?: boolean;
  /** Its worker was stopped, and gave it back: nothing has failed. */
  readonly handedBack?: boolean;
}

/** @throws the error itself when it is a cancellation. */
export function stepFailure(step: string, error: unknown): StepFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure && cause.timeoutType === 'HEARTBEAT') {
    const remedy = "Look at the worker's log and at the machine's memory, then run the same plan and time again.";
    return { error: { step, code: 'failed', message: DIED, remedy }, retryable: true, workerLost: true };
  }
  if (cause instanceof ApplicationFailure && cause.type === HANDED_BACK)
    return { error: stepError(step, error), retryable: true, workerLost: true, handedBack: true };
  if (isUntaken(error)) {
    const message = 'no worker has begun this step';
    return {
      error: { step, code: 'unreachable', message, remedy: START },
      retryable: true,
      workerLost: true,
      queued: true,
    };
  }
  const retryable = cause instanceof ApplicationFailure && cause.nonRetryable !== true;
  return { error: stepError(step, error), retryable, workerLost: false };
}

/** Whether nobody has taken it from its queue. */
export function isUntaken(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

/** Nobody on the host takes a question: its worker does not run, or the host is down. */
export function hostIsAway(step: string, host: string | null): StepFailure {
  const message = `${host === null ? 'the coordinator' : `the host ${host}`} does not answer: its worker does not run, or reaches no Temporal`;
  return { error: { step, code: 'unreachable', message, remedy: START }, retryable: true, workerLost: true };
}

/** Its plan is due again. @param last what its last attempt failed with, where there was one. */
export function noTimeLeft(step: string, last: StepError | null | undefined): StepFailure {
  const message = 'its plan is due again: there was no time left for it';
  const failure = { error: last ?? { step, code: 'failed', message, remedy: DUE_AGAIN }, workerLost: false };
  return { ...failure, retryable: last !== null && last !== undefined };
}

/** The error of a step that is not tried again, since its deadline has come. */
export function stillFailing({ error }: StepFailure): StepError {
  return { ...error, message: `still failing at its deadline: ${error.message}` };
}

const DUE_AGAIN =
  'Look at what slows it down, and split the source if it is too large for one day. What is not copied the plan catch-up copies.';
const START = 'Start it there ("mosaic-backup worker"): the step goes on by itself.';

function hasValue(details: unknown): boolean {
  return details !== undefined && details !== null;
}

/** The lines that travel in the facts of a failure. */
function toldBy({ details }: ApplicationFailure): Pick<StepError, 'told'> {
  const [detail]: readonly unknown[] = details ?? [];
  if (!isObject(detail) || !('facts' in detail)) return {};
  const { facts } = detail;
  if (!isObject(facts) || !('told' in facts) || !Array.isArray(facts.told)) return {};
  return { told: facts.told.map(String) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The remedy that travels in a failure's details. */
export function remedyOf(failure: ApplicationFailure): string | null {
  const details: unknown = failure.details?.[0];
  if (typeof details !== 'object' || details === null || !('remedy' in details)) return null;
  return typeof details.remedy === 'string' ? details.remedy : null;
}
