/**
 * A restore of a database, of tables or of keys into a running server, visible and durable: its worker killed, the next one looks what of it was done, and
 * does what is lacking.
 */
import {
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { INTO_STEP, intoSteps, serverText, whatText, type IntoReport, type IntoRun } from '../model/into-run.ts';
import { wholeSeconds } from '../model/time.ts';
import { intoStatus, runGraph } from './messages.ts';
import { intoDetails } from './restore-details.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepFailure } from './step-error.ts';
import { stepRunner } from './step-runner.ts';
import { hostSteps, reachHost } from './steps.ts';

export async function restoreInto(run: IntoRun): Promise<IntoReport> {
  const { site, host, waits } = run;
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  const asked = wholeSeconds(startTime.getTime());
  let begun = false;
  let report: IntoReport = { outcome: null, done: null, error: null };
  const runner = stepRunner({ steps: intoSteps(run), changed: show });
  setHandler(intoStatus, () => report);
  setHandler(runGraph, () => ({ runId: workflowId, outcome: report.outcome, steps: runner.steps() }));

  const { deadline, retryFirst, retryMax } = waits;
  const policy = { deadline, retryFirst, retryMax, host: { name: host, first: true, reach: reachHost(site, host) } };
  const summary = `restore ${whatText(run)} into ${serverText(run)}`;
  const ended = await runner.run(INTO_STEP, policy, ({ left }) =>
    hostSteps(site, { step: { host }, waits }, left)
      .restoreInto.executeWithOptions({ summary, activityId: INTO_STEP }, [
        { ...run, run: firstExecutionRunId, asked, again: begun },
      ])
      .catch((error: unknown) => {
        begun ||= !isCancellation(error) && stepFailure(INTO_STEP, error).queued !== true;
        throw error;
      }),
  );
  if (!ended.ok) report = { ...report, outcome: 'failed', error: ended.error };
  else if ('elsewhere' in ended.value) report = { ...report, outcome: 'failed', ...ended.value };
  else report = { ...report, outcome: 'complete', done: ended.value };
  upsertSearchAttributes([{ key: OUTCOME, value: report.outcome ?? 'failed' }]);
  show();
  return report;

  function show(): void {
    setCurrentDetails(intoDetails(run, report, runner.steps(), workflowId));
  }
}
