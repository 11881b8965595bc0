/**
 * One tick of log shipping, for all sources beside each other: what is new on the servers is sealed and copied. It never
 * waits for long: a source that fails is in the report, and the next tick does its work. A hole starts a full at once.
 */
import {
  CancellationScope,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { offSchedule, stepId, tickOutcome } from '../model/logs-run.ts';
import type { LogsFacts, LogsSpec, LogsStep, LogsTick } from '../model/logs-run.ts';
import { runId, runOutcome, scheduledOf } from '../model/run.ts';
import type { PlanInput, RunReport, ScheduledInput, SourceReport, StepError, StepInput } from '../model/run.ts';
import { backupSource } from './backup-source.ts';
import { dailyBackup } from './daily-backup.ts';
import { logsDetails } from './logs-details.ts';
import { runStatus } from './messages.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { tickPlanning, tickSteps } from './steps.ts';
import { tellingOfLogs } from './telling-steps.ts';

export async function shipLogs(input: ScheduledInput): Promise<RunReport> {
  const scheduled = input.scheduled ?? scheduledOf(input.plan, workflowInfo().workflowId);
  const planned: PlanInput = { ...input, scheduled };
  const id = runId(input.plan, scheduled);
  const sources = new Map<string, SourceReport>();
  const errors: StepError[] = [];
  let outcome: RunReport['outcome'] = null;

  const report = (): RunReport => ({ runId: id, outcome, sources: [...sources.values()], errors });
  setHandler(runStatus, report);

  const summary = 'read the config: which sources ship logs';
  const spec = await tickPlanning(input.site).planLogs.executeWithOptions({ summary }, [planned]);
  for (const { source } of spec.steps) update(unfinished(source, 'shipping'));
  const running = spec.steps.map((step) => ship(spec, step));
  try {
    await Promise.all(running);
  } catch (error) {
    // Cancelled: it ends as such, once all steps have cleaned up.
    await Promise.allSettled(running);
    throw error;
  }
  outcome = runOutcome([...sources.values()].map((source) => source.outcome ?? 'failed'));
  if (spec.notified) await tell(spec);
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  setCurrentDetails(logsDetails(report()));
  return report();

  function update(source: SourceReport): void {
    sources.set(source.source, source);
    setCurrentDetails(logsDetails(report()));
  }

  async function ship({ waits }: LogsSpec, step: LogsStep): Promise<void> {
    const { source } = step;
    try {
      const of = { runId: id, scheduled, step, waits };
      const copies = step.destinations.map((to) => `, copy to ${to}`).join('');
      const tick = await tickSteps(input.site, of).shipLogs.executeWithOptions(
        { summary: `ship the logs of ${source}${copies}`, activityId: stepId(source) },
        [of],
      );
      const { captured, copies: made, facts, owedFull, errors } = tick;
      const done = { source, captured, copies: made, verified: false, errors };
      const state = facts.shipped ? 'done' : 'failed';
      update({ ...done, state, outcome: tickOutcome(tick), logs: await withFull(source, facts, owedFull) });
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      update({ ...unfinished(source, 'failed'), outcome: 'failed', errors: [stepError('ship', error)] });
    }
  }

  /** A notifier that fails is told in the report, and changes nothing of how the shipping fared. */
  async function tell(planned: LogsSpec): Promise<void> {
    try {
      const summary = 'tell whoever is to know of alerts';
      const failed = await tellingOfLogs(input.site).tellLogs.executeWithOptions({ summary }, [
        { spec: planned, sources: [...sources.values()] },
      ]);
      errors.push(...failed);
    } catch (error) {
      errors.push(stepError('notify', error));
    }
  }

  /** Starts what is due, unless it runs already: a full of an earlier tick reaches behind the hole as well. */
  async function withFull(source: string, facts: LogsFacts, owed: LogsTick['owedFull']): Promise<LogsFacts> {
    if (facts.fullDue === null) return facts;
    const workflowId = owed ? `${owed.runId}/${source}` : `full-after-hole/${input.site}/${source}`;
    try {
      await (owed ? copyFull(workflowId, owed) : takeFull(workflowId, source, facts.fullDue));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    return { ...facts, fullRun: workflowId };
  }

  /** Not the id of a scheduled run, and one for each source: it is started again only when the one before has ended. */
  async function takeFull(workflowId: string, source: string, why: string): Promise<void> {
    const full: PlanInput = { site: input.site, plan: 'daily', scheduled: offSchedule(Date.now()), sources: [source] };
    await startChild(dailyBackup, {
      workflowId,
      args: [full],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: [
        { key: SITE, value: input.site },
        { key: PLAN, value: full.plan },
      ],
      staticSummary: `a full of ${source}, because of a hole in its logs`,
      staticDetails: why,
    });
  }

  /** Under the id that the run which sealed it gives to this source: while that still copies, nobody else does. */
  async function copyFull(workflowId: string, owed: StepInput): Promise<void> {
    const { source, host, destinations } = owed.step;
    await startChild(backupSource, {
      workflowId,
      args: [{ ...owed, site: input.site, alone: true }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      typedSearchAttributes: [
        { key: SITE, value: input.site },
        { key: PLAN, value: 'daily' },
        { key: SOURCE, value: source },
        { key: HOST, value: host },
      ],
      staticSummary: `${source}: the full behind a hole in its logs, copied to ${destinations.join(', ')}`,
    });
  }
}

function unfinished(source: string, state: SourceReport['state']): SourceReport {
  return { source, state, outcome: null, captured: null, copies: [], verified: false, errors: [], logs: null };
}
