/**
 * The daily plan: databases, then applications, then the system, then configs. Each phase begins when the
 * captures of the one before have ended; copies and verification go on beside it. At the end the recovery
 * point is signed, and what is due by the rules of retention is deleted. One source failing stops nothing else.
 */
import {
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { RetentionSummary } from '../model/retention/summary.ts';
import type { RunReport, RunSpec, ScheduledInput, SourceReport, SourceStep, StepError } from '../model/run.ts';
import { runId, runOutcome, scheduledOf } from '../model/run.ts';
import { backupSource } from './backup-source.ts';
import { runDetails } from './details.ts';
import { captureEnded, runStatus } from './messages.ts';
import { untilBegin } from './phase-begin.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { planning, reporting, retentionSteps } from './steps.ts';

export async function dailyBackup(input: ScheduledInput): Promise<RunReport> {
  const scheduled = input.scheduled ?? scheduledOf(input.plan, workflowInfo().workflowId);
  const id = runId(input.plan, scheduled);
  const sources = new Map<string, SourceReport>();
  const readingEnded = new Set<string>();
  const errors: StepError[] = [];
  const retention: RetentionSummary[] = [];
  let outcome: RunReport['outcome'] = null;

  const report = (): RunReport => ({
    runId: id,
    outcome,
    sources: [...sources.values()],
    errors,
    ...(retention.length > 0 ? { retention } : {}),
  });
  setHandler(runStatus, report);
  setHandler(captureEnded, (source) => void readingEnded.add(source));

  const spec = await planning(input.site).planRun.executeWithOptions({ summary: 'read the config and plan this run' }, [
    { ...input, scheduled, timed: input.scheduled === undefined },
  ]);
  for (const { source } of spec.phases.flatMap(({ steps }) => steps)) update(pending(source));

  const running: Promise<void>[] = [];
  try {
    for (const { steps, begins } of spec.phases) {
      await untilBegin(begins);
      running.push(...steps.map((step) => backUp(spec, step)));
      await condition(() => steps.every(({ source }) => readingEnded.has(source)));
    }
    await Promise.all(running);
  } catch (error) {
    // Cancelled. With the run Temporal would end its sources at once, in the middle of their cleaning up.
    await Promise.allSettled(running);
    throw error;
  }

  outcome = runOutcome([...sources.values()].map((source) => source.outcome ?? 'failed'));
  await signRecoveryPoint(spec);
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  setCurrentDetails(runDetails(report()));
  if (spec.retention) await retain(spec);
  setCurrentDetails(runDetails(report()));
  return report();

  function update(source: SourceReport): void {
    sources.set(source.source, source);
    setCurrentDetails(runDetails(report()));
  }

  async function backUp({ runId: run, scheduled, waits }: RunSpec, step: SourceStep): Promise<void> {
    try {
      const child = await startChild(backupSource, {
        workflowId: `${run}/${step.source}`,
        args: [{ site: input.site, runId: run, scheduled, step, waits }],
        typedSearchAttributes: [
          { key: SITE, value: input.site },
          { key: PLAN, value: input.plan },
          { key: SOURCE, value: step.source },
          { key: HOST, value: step.host },
        ],
        staticSummary: `${step.source}: ${step.type} on ${step.host}${step.destinations.map((to) => `, copy to ${to}`).join('')}`,
      });
      update({ ...pending(step.source), state: 'capturing' });
      update(await child.result());
    } catch (error) {
      // The run itself was cancelled: it ends as such, once all its sources have cleaned up.
      if (CancellationScope.current().consideredCancelled) throw error;
      update({ ...pending(step.source), state: 'failed', outcome: 'failed', errors: [unfinishedBy(error)] });
    } finally {
      readingEnded.add(step.source);
    }
  }

  async function signRecoveryPoint(planned: RunSpec): Promise<void> {
    try {
      const { signRecoveryPoint: sign } = reporting(input.site, planned.waits);
      const summary = 'sign the recovery point and copy it to every destination';
      const { warnings } = await sign.executeWithOptions({ summary }, [{ spec: planned, report: report() }]);
      errors.push(...warnings.map(notEverywhere));
    } catch (error) {
      errors.push(stepError('recovery point', error));
    }
    if (errors.length > 0 && outcome === 'complete') outcome = 'partial';
  }

  /** What fails here makes no backup worse: it is told, and the next run does it. */
  async function retain({ phases, waits }: RunSpec): Promise<void> {
    const byHost = Map.groupBy(
      phases.flatMap(({ steps }) => steps),
      ({ host }) => host,
    );
    const pruned = [...byHost].map(async ([host, steps]) => {
      try {
        const { retention: prune } = retentionSteps(input.site, host, waits);
        const names = steps.map(({ source }) => source);
        const summary = `delete what is due of ${names.join(', ')}, at every place`;
        retention.push(await prune.executeWithOptions({ summary }, [{ waits, sources: names }]));
      } catch (error) {
        if (CancellationScope.current().consideredCancelled) throw error;
        errors.push(stepError('retention', error));
      }
    });
    await Promise.all(pruned);
  }
}

/** A destination that lacks the recovery point, in the step's own words. */
function notEverywhere(message: string): StepError {
  const remedy = 'Mend the destination, then run the same plan and time again: it does what is missing.';
  return { step: 'recovery point', code: 'unreachable', message, remedy };
}

/** Another run has the source, or somebody cancelled or terminated it in Temporal: the others go on. */
function unfinishedBy(error: unknown): StepError {
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

function pending(source: string): SourceReport {
  return { source, state: 'pending', outcome: null, captured: null, copies: [], verified: false, errors: [] };
}
