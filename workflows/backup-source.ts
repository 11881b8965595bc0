/**
 * One source in a run: its host is reached → capture (with its seal) → a copy at each destination, in parallel → verification.
 * A failure stays with its source: the workflow returns a report, whatever happened.
 */
import {
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  CapturedBackup,
  CopiedBackup,
  SkippedCopy,
  SourceReport,
  StepError,
  StepInput,
  StepState,
} from '../model/run.ts';
import { sourceOutcome } from '../model/run.ts';
import { sourceDetails } from './details.ts';
import { captureEnded, sourceStatus } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { copySteps, hostSteps, shortSteps } from './steps.ts';

export interface SourceInput extends StepInput {
  readonly site: string;
  /** Not as a part of a run: nobody waits for its capture. */
  readonly alone?: boolean;
}

export async function backupSource(input: SourceInput): Promise<SourceReport> {
  const { site, step, waits } = input;
  const copies: CopiedBackup[] = [];
  const skipped: SkippedCopy[] = [];
  const errors: StepError[] = [];
  let state: StepState = 'pending';
  let captured: CapturedBackup | null = null;
  let verified = false;
  let outcome: SourceReport['outcome'] = null;

  const report = (): SourceReport => ({
    source: step.source,
    state,
    outcome,
    captured,
    copies,
    ...(skipped.length > 0 && { skipped }),
    verified,
    errors,
  });
  setHandler(sourceStatus, report);
  enter('capturing');

  try {
    const { ping } = shortSteps(site, input, waits.captureDeadline);
    await ping.executeWithOptions({ summary: `reach the worker of ${step.host}` }, []);
    const { capture } = hostSteps(site, input, waits.captureDeadline);
    captured = await capture.executeWithOptions({ summary: `capture ${step.source} (${step.tier})` }, [input]);
  } catch (error) {
    errors.push(stepError('capture', error));
  }
  if (!input.alone) await tellRun(step.source);

  if (captured) {
    const { backup } = captured;
    enter('copying');
    await Promise.all(step.destinations.map((destination) => copyTo(destination, backup)));
    enter('verifying');
    await verify(backup);
  }
  outcome = sourceOutcome({ source: step.source, captured, copies, verified, errors });
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  enter(captured ? 'done' : 'failed');
  return report();

  function enter(next: StepState): void {
    state = next;
    setCurrentDetails(sourceDetails(report()));
  }

  async function copyTo(destination: string, backup: CapturedBackup['backup']): Promise<void> {
    try {
      const { copy } = copySteps(site, input);
      const summary = `copy ${step.source} to ${destination}, confirmed there`;
      const copied = await copy.executeWithOptions({ summary }, [{ ...input, backup, destination }]);
      if ('skipped' in copied) skipped.push(copied);
      else copies.push(copied);
    } catch (error) {
      errors.push(stepError(`copy to ${destination}`, error));
    }
    setCurrentDetails(sourceDetails(report()));
  }

  async function verify(backup: CapturedBackup['backup']): Promise<void> {
    try {
      const steps = hostSteps(site, input, waits.verifyDeadline);
      verified = (
        await steps.verify.executeWithOptions({ summary: `verify ${step.source}: digests and signature` }, [
          { ...input, backup },
        ])
      ).ok;
    } catch (error) {
      errors.push(stepError('verify', error));
    }
  }
}

/** Tells the run that this source is read. A run that ends before ends its sources too (Temporal's parent close policy). */
async function tellRun(source: string): Promise<void> {
  const { parent } = workflowInfo();
  if (parent) await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(captureEnded, source);
}
