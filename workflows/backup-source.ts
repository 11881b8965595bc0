/**
 * One source in a run: its host is reached → capture (with its seal) → a copy at each destination, in parallel → verification.
 * A failure stays with its source: the workflow returns a report, whatever happened.
 */
import {
  CancellationScope,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { captureId, copyId, hookId, sourceSteps, verifyId } from '../model/graph.ts';
import type {
  CapturedBackup,
  CopiedBackup,
  HookedCapture,
  SkippedCopy,
  SourceReport,
  StepError,
  StepInput,
  StepState,
} from '../model/run.ts';
import { sourceOutcome } from '../model/run.ts';
import { sourceDetails } from './details.ts';
import { captureEnded, runGraph, sourceStatus } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { ofHooks } from './run-reports.ts';
import { stepRunner, BRIEFLY, type Ended, type StepPolicy } from './step-runner.ts';
import { copySteps, hostSteps, reachHost, releaseSteps } from './steps.ts';
import { waitingTeller } from './waiting-teller.ts';

export interface SourceInput extends StepInput {
  readonly site: string;
  /** Not as a part of a run: nobody waits for its capture. */
  readonly alone?: boolean;
  /** Whether somebody is told of alerts. */
  readonly notified?: boolean;
}

export async function backupSource(input: SourceInput): Promise<SourceReport> {
  const { site, step, waits } = input;
  const { source, host, destinations, hooks = [] } = step;
  const copies: CopiedBackup[] = [];
  const skipped: SkippedCopy[] = [];
  const errors: StepError[] = [];
  let state: StepState = 'pending';
  let captured: CapturedBackup | null = null;
  let verified = false;
  let softSkip: string | null = null;
  /** Of the hooks after the last attempt. */
  let unreleased: readonly StepError[] = [];
  let outcome: SourceReport['outcome'] = null;

  const teller = waitingTeller(input);
  const runner = stepRunner({
    steps: sourceSteps(step),
    changed: (changed) => {
      teller.changed(changed);
      show();
    },
  });
  setHandler(sourceStatus, report);
  setHandler(runGraph, () => ({ runId: input.runId, outcome, steps: runner.steps() }));

  try {
    await backUp();
  } catch (error) {
    // Cancelled: what failed before it is noted where it did.
    runner.abandon();
    show();
    throw error;
  }
  outcome = sourceOutcome(report());
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  enter(captured || softSkip !== null ? 'done' : 'failed');
  await teller.ended();
  return report();

  async function backUp(): Promise<void> {
    enter('capturing');
    await capture();
    if (!input.alone) await tellRun(source);
    if (captured) {
      const { backup } = captured;
      enter('copying');
      await Promise.all(destinations.map((destination) => copyTo(destination, backup)));
      enter('verifying');
      await verify(backup);
    } else {
      runner.leaveOut([...destinations.map((destination) => copyId(source, destination)), verifyId(source)]);
    }
  }

  function report(): SourceReport {
    const left = skipped.length > 0 && { skipped };
    const why = softSkip === null ? {} : { softSkip };
    const failed = [...errors, ...unreleased];
    return {
      source,
      state,
      outcome,
      captured,
      copies,
      ...left,
      verified,
      errors: failed,
      ...why,
      steps: runner.steps(),
    };
  }

  function enter(next: StepState): void {
    state = next;
    show();
  }

  function show(): void {
    setCurrentDetails(sourceDetails(input.runId, report()));
  }

  function policy(deadline: number, asksFirst = false): StepPolicy {
    const { retryFirst, retryMax } = waits;
    return {
      deadline,
      by: input.until,
      retryFirst,
      retryMax,
      host: { name: host, first: asksFirst, reach: reachHost(site, host) },
    };
  }

  /** The value of a step that was done; of one that was not its error is noted. */
  function valueOf<T>(ended: Ended<T>): T | null {
    if (ended.ok) return ended.value;
    errors.push(ended.error);
    return null;
  }

  /** What is to come after runs at once, however an attempt ended: an application stands still until then. */
  async function capture(): Promise<void> {
    const run = CancellationScope.current();
    let isOpen = false;
    // Orders whoever may hold the lease of the source: an attempt, what is to come after it, the next attempt.
    let order = 0;
    const release = async (): Promise<void> => {
      if (!isOpen) return;
      const left = run.consideredCancelled ? 0 : (input.until ?? Infinity) - Date.now();
      const within = Math.min(waits.captureDeadline, Math.max(BRIEFLY, left));
      await CancellationScope.nonCancellable(() => runHooksAfter(within, order + 1));
      isOpen = false;
    };
    const summary = `capture ${source} (${step.tier})`;
    try {
      const ended = await runner.run(
        captureId(source),
        { ...policy(waits.captureDeadline, true), release },
        ({ number, left }) => {
          order = 2 * number - 1;
          isOpen = hooks.includes('after');
          return hostSteps(site, input, left).capture.executeWithOptions({ summary, activityId: captureId(source) }, [
            { ...input, attempt: order },
          ]);
        },
      );
      noteCaptured(valueOf(ended));
    } finally {
      await release();
    }
  }

  function noteCaptured(ended: HookedCapture | null): void {
    if (ended === null) return;
    captured = ended.captured;
    softSkip = ended.hooks.skipped;
    errors.push(...ended.hooks.warnings.map((message) => ofHooks('before', message)));
    if (captured) runner.stored(captureId(source), captured.bytes);
    else runner.leaveOut([captureId(source)]);
  }

  async function runHooksAfter(deadline: number, attempt: number): Promise<void> {
    const soFar = captured ? 'complete' : softSkip === null ? 'failed' : 'skipped';
    const id = hookId(source, 'after');
    const summary = `run the hooks after ${source}`;
    const ended = await runner.run(id, { ...policy(deadline, true), by: undefined }, ({ left }) =>
      releaseSteps(site, input, left).release.executeWithOptions({ summary, activityId: id }, [
        { ...input, attempt, outcome: soFar },
      ]),
    );
    unreleased = ended.ok ? ended.value.warnings.map((message) => ofHooks('after', message)) : [ended.error];
  }

  async function copyTo(destination: string, backup: CapturedBackup['backup']): Promise<void> {
    const id = copyId(source, destination);
    const summary = `copy ${source} to ${destination}, confirmed there`;
    const ended = await runner.run(id, policy(waits.copyDeadline), ({ left }) =>
      copySteps(site, input, left).copy.executeWithOptions({ summary, activityId: id }, [
        { ...input, backup, destination },
      ]),
    );
    const copied = valueOf(ended);
    if (copied === null) return;
    if ('skipped' in copied) {
      skipped.push(copied);
      runner.leaveOut([id]);
    } else {
      copies.push(copied);
      runner.stored(id, copied.bytes);
    }
  }

  async function verify(backup: CapturedBackup['backup']): Promise<void> {
    const summary = `verify ${source}: digests and signature`;
    const ended = await runner.run(verifyId(source), policy(waits.verifyDeadline), ({ left }) =>
      hostSteps(site, input, left).verify.executeWithOptions({ summary, activityId: verifyId(source) }, [
        { ...input, backup },
      ]),
    );
    verified = valueOf(ended)?.ok ?? false;
  }
}

/** Tells the run that this source is read. A run that ends before ends its sources too (Temporal's parent close policy). */
async function tellRun(source: string): Promise<void> {
  const { parent } = workflowInfo();
  if (parent) await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(captureEnded, source);
}
