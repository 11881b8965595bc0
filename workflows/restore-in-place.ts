/**
 * A restore in place of the data of a source's own server, visible and durable: its worker killed, it goes on at what its journal says was begun. A full
 * is made behind it. What it needs of the operator's choice, his consent too, was asked for before.
 */
import {
  CancellationScope,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  FULL_STEP,
  IN_PLACE_STEP,
  TAKE_BACK,
  fullRemedy,
  inPlaceSteps,
  withUnfinished,
  type InPlaceReport,
  type InPlaceRun,
  type PutInPlace,
} from '../model/in-place-run.ts';
import { wholeSeconds } from '../model/time.ts';
import { inPlaceStatus, runGraph } from './messages.ts';
import { inPlaceDetails } from './restore-details.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepRunner } from './step-runner.ts';
import { stepError } from './step-error.ts';
import { hostSteps, reachHost, takingBack } from './steps.ts';

export async function restoreInPlace(run: InPlaceRun): Promise<InPlaceReport> {
  const { site, host, source, backup, waits } = run;
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  let report: InPlaceReport = { outcome: null, done: null, full: null, error: null };
  const runner = stepRunner({ steps: inPlaceSteps(run), changed: show });
  setHandler(inPlaceStatus, () => report);
  setHandler(runGraph, () => ({ runId: workflowId, outcome: report.outcome, steps: runner.steps() }));

  const { deadline, retryFirst, retryMax } = waits;
  const input = { ...run, run: firstExecutionRunId, asked: wholeSeconds(startTime.getTime()) };
  const policy = { deadline, retryFirst, retryMax, host: { name: host, first: true, reach: reachHost(site, host) } };
  const placed = await runner
    .run(IN_PLACE_STEP, policy, ({ left }) =>
      steps(left).restoreInPlace.executeWithOptions(
        { summary: `restore ${source} (${backup.reference}) in place of ${run.data}`, activityId: IN_PLACE_STEP },
        [input],
      ),
    )
    .catch(async (error: unknown) => {
      // Cancelled: what had begun is not shown as if it went on.
      const left = patched('taken-back-when-cancelled') ? await CancellationScope.nonCancellable(takenBack) : null;
      runner.abandon();
      show();
      if (left === null) throw error;
      return left;
    });
  if (!placed.ok) end({ outcome: 'failed', error: withUnfinished(placed.error, source) });
  else if ('cancelled' in placed) end({ ...tooLate(), done: placed.value });
  else if ('elsewhere' in placed.value) {
    const { elsewhere } = placed.value;
    const error = { step: IN_PLACE_STEP, code: 'refused', message: `nothing was done: ${elsewhere}`, remedy: null };
    end({ outcome: 'failed', error, elsewhere });
  } else end(await fullBehind(placed.value));
  return report;

  /** Service is back by then: whatever becomes of the full, the restore itself has not failed. */
  async function fullBehind(done: PutInPlace): Promise<Partial<InPlaceReport>> {
    report = { ...report, done };
    show();
    try {
      const made = await runner.run(FULL_STEP, policy, ({ left, number }) =>
        steps(left).fullBehind.executeWithOptions(
          { summary: `make the full behind the restore of ${source}`, activityId: FULL_STEP },
          [{ source, waits, scheduled: done.next, attempt: number }],
        ),
      );
      if (!made.ok) return { outcome: 'partial', error: made.error };
      return { outcome: made.value.problems.length > 0 ? 'partial' : 'complete', full: made.value };
    } catch (error) {
      if (!isCancellation(error)) throw error;
      runner.abandon();
      return tooLate();
    }
  }

  function tooLate(): Partial<InPlaceReport> {
    const message = 'the run was cancelled: until a full is made there is no point-in-time recovery';
    return { outcome: 'partial', error: { step: FULL_STEP, code: 'aborted', message, remedy: fullRemedy(source) } };
  }

  /** Its worker may be away, and its server stopped by it: once it is back it has to see to that. Null where all is as it was before. */
  async function takenBack() {
    if (runner.steps().every(({ attempts }) => attempts === 0)) return null;
    report = { ...report, takingBack: true };
    show();
    try {
      const value = await takingBack(site, host, waits).takeBack.executeWithOptions(
        { summary: `take back what was begun with ${source}`, activityId: TAKE_BACK },
        [input],
      );
      return value === null ? null : ({ ok: true, cancelled: true, value } as const);
    } catch (error) {
      return { ok: false, error: stepError(IN_PLACE_STEP, error) } as const;
    } finally {
      report = { ...report, takingBack: false };
    }
  }

  function steps(left: number) {
    return hostSteps(site, { step: { host }, waits }, left);
  }

  function end(ended: Partial<InPlaceReport>): void {
    report = { ...report, ...ended };
    if (report.done === null) runner.leaveOut([FULL_STEP]);
    upsertSearchAttributes([{ key: OUTCOME, value: report.outcome ?? 'failed' }]);
    show();
  }

  function show(): void {
    setCurrentDetails(inPlaceDetails(run, report, runner.steps(), workflowId));
  }
}
