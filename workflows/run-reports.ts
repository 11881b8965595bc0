/** What a run reports of sources and steps that did not end by themselves. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { HookTime } from '../model/config/hooks.ts';
import type { GraphStep } from '../model/graph.ts';
import type { SourceReport, StepError } from '../model/run.ts';
import { now } from './now.ts';

/** A step that is not done, since its run was to leave it out. */
export function leftOut(step: GraphStep): GraphStep {
  return { ...step, state: 'skipped', ended: now() };
}

/** A hook that failed, and was to stop nothing. */
export function ofHooks(when: HookTime, message: string): StepError {
  return { step: `hooks ${when}`, code: 'failed', message, remedy: null };
}

/** A step of a source that was ended from outside. */
export function unended(step: GraphStep, error: StepError): GraphStep {
  return step.ended === null ? { ...step, state: 'failed', error, ended: now(), next: null } : step;
}

/** A step of a run that was cancelled: one that had begun has failed by that, the others are left out. */
export function cancelled(step: GraphStep): GraphStep {
  if (step.ended !== null) return step;
  if (step.started === null) return { ...leftOut(step), next: null };
  const before = step.error ? ` (it had failed: ${step.error.message})` : '';
  const error = { step: step.name, code: 'aborted', message: `the run was cancelled${before}`, remedy: null };
  return unended(step, error);
}

/** A destination that lacks the recovery point, in the step's own words. */
export function notEverywhere(message: string): StepError {
  const remedy = 'Mend the destination, then run the same plan and time again: it does what is missing.';
  return { step: 'recovery point', code: 'unreachable', message, remedy };
}

/** Another run has the source, or somebody cancelled or terminated it in Temporal: the others go on. */
export function unfinishedBy(error: unknown): StepError {
  // A full behind a hole in the logs, which began in the same second: it makes what this run was to make.
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    const message = 'another run of the same time is backing it up just now';
    return { step: 'run', code: 'busy', message, remedy: 'Look at that run, or start this plan again.' };
  }
  const message =
    error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
  return {
    step: 'run',
    code: 'aborted',
    message: `ended from outside: ${message}`,
    remedy: 'Run the same plan and time again: it does what is missing.',
  };
}

/** A source that has not begun. */
export function pending(source: string): SourceReport {
  return { source, state: 'pending', outcome: null, captured: null, copies: [], verified: false, errors: [] };
}
