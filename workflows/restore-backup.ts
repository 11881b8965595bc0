/**
 * A restore to a folder of a host, visible and durable: killed, or its host restarted, it goes on. What it needs of the operator's
 * choice was found out before: it restores exactly that backup.
 */
import { setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import {
  RESTORE_STEP,
  restoreReport,
  restoreSteps,
  type RestoreReport,
  type RestoreRun,
} from '../model/restore-run.ts';
import { restoreDetails } from './restore-details.ts';
import { restoreStatus, runGraph } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepRunner } from './step-runner.ts';
import { hostSteps, reachHost } from './steps.ts';

export async function restoreBackup(run: RestoreRun): Promise<RestoreReport> {
  const { site, host, source, backup, waits } = run;
  const { workflowId } = workflowInfo();
  let report: RestoreReport = { outcome: null, milliseconds: null, error: null };
  const runner = stepRunner({ steps: restoreSteps(run), changed: show });
  setHandler(restoreStatus, () => report);
  setHandler(runGraph, () => ({ runId: workflowId, outcome: report.outcome, steps: runner.steps() }));

  const { deadline, retryFirst, retryMax } = waits;
  const of = { name: host, first: true, reach: reachHost(site, host) };
  const summary = `restore ${source} (${backup.reference}) to ${run.to}`;
  const input = { ...run, run: workflowInfo().firstExecutionRunId };
  const ended = await runner.run(RESTORE_STEP, { deadline, retryFirst, retryMax, host: of }, ({ left }) =>
    hostSteps(site, { step: { host }, waits }, left).restore.executeWithOptions({ summary, activityId: RESTORE_STEP }, [
      input,
    ]),
  );
  report = restoreReport(ended);
  upsertSearchAttributes([{ key: OUTCOME, value: report.outcome ?? 'failed' }]);
  show();
  return report;

  function show(): void {
    setCurrentDetails(restoreDetails(run, report, runner.steps(), workflowId));
  }
}
