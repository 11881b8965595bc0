/**
 * A restore of a whole recovery point to a folder of a host, visible and durable: each source is a step, restored once those that it comes after have
 * ended. One that fails keeps no other from its restore. What is restored, and from where, was found out before.
 */
import {
  CancellationScope,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { inOrder } from '../model/in-order.ts';
import {
  PREPARE_STEP,
  pointOutcome,
  pointRestoreId,
  pointSteps,
  type PointReport,
  type PointSource,
  type PointSourceReport,
  type RestorePointRun,
} from '../model/restore-point-run.ts';
import { restoreReport } from '../model/restore-run.ts';
import { REPOSITORY } from '../model/rotation.ts';
import { pointStatus, runGraph } from './messages.ts';
import { pointDetails } from './restore-details.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepRunner } from './step-runner.ts';
import { hostSteps, reachHost } from './steps.ts';

export async function restorePoint(run: RestorePointRun): Promise<PointReport> {
  const { site, host, to, sources, waits, beside, once } = run;
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const fared = new Map(sources.map((source) => [source.source, pending(source)]));
  let outcome: PointReport['outcome'] = null;
  let error: PointReport['error'] = null;
  let elsewhere: string | undefined;
  const runner = stepRunner({ steps: pointSteps(run), changed: show });
  setHandler(pointStatus, report);
  setHandler(runGraph, () => ({ runId: workflowId, outcome, steps: runner.steps() }));

  const { deadline, retryFirst, retryMax } = waits;
  const policy = { deadline, retryFirst, retryMax, host: { name: host, first: true, reach: reachHost(site, host) } };
  const prepared = await runner.run(PREPARE_STEP, policy, ({ left }) =>
    steps(left).preparePoint.executeWithOptions({ summary: `look at ${to}`, activityId: PREPARE_STEP }, [run]),
  );
  if (prepared.ok) ({ elsewhere } = prepared.value);
  else ({ error } = prepared);
  if (prepared.ok && elsewhere === undefined) {
    const { existed } = prepared.value;
    await inOrder(sources, beside, (source) => restore(source, existed));
    outcome = pointOutcome([...fared.values()]);
  } else {
    runner.leaveOut(sources.map(({ source }) => pointRestoreId(source)));
    outcome = 'failed';
  }
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  show();
  return report();

  async function restore(one: PointSource, existed: readonly string[]): Promise<void> {
    const { source, backup, places } = one;
    const id = pointRestoreId(source);
    if (existed.includes(source)) {
      runner.leaveOut([id]);
      fared.set(source, { ...pending(one), outcome: 'complete', existed: true });
      return;
    }
    // Of a run that is cancelled nothing more is begun.
    if (CancellationScope.current().consideredCancelled) return;
    const [first = REPOSITORY, ...others] = places;
    const input = {
      site,
      host,
      source,
      backup,
      place: first === REPOSITORY ? null : first,
      others,
      target: null,
      to: `${to}/${source}`,
      paths: [],
      waits,
      ...(once && { once }),
      run: firstExecutionRunId,
    };
    const summary = `restore ${source} (${backup.reference})`;
    const ended = await runner.run(id, policy, ({ left }) =>
      steps(left).restore.executeWithOptions({ summary, activityId: id }, [input]),
    );
    const { milliseconds, from = null, passed = [], error: failure, outcome: how } = restoreReport(ended);
    const fares = { outcome: how, from, passed, error: failure, milliseconds: milliseconds ?? 0 };
    fared.set(source, { ...pending(one), ...fares });
    show();
  }

  function steps(left: number) {
    return hostSteps(site, { step: { host }, waits }, left);
  }

  function report(): PointReport {
    return { outcome, sources: [...fared.values()], error, ...(elsewhere === undefined ? {} : { elsewhere }) };
  }

  function show(): void {
    setCurrentDetails(pointDetails(run, report(), runner.steps(), workflowId));
  }
}

function pending({ source }: PointSource): PointSourceReport {
  return { source, outcome: null, from: null, existed: false, milliseconds: 0, passed: [], error: null };
}
