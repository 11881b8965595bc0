/**
 * The monthly restore test: of each source a backup is restored and checked, in turn from every place and of every tier. The hosts are at it beside each
 * other; on each its sources come one after another, since a restore needs room.
 */
import {
  CancellationScope,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { GraphStep } from '../model/graph.ts';
import { testSteps, type TestReport, type TestStep } from '../model/restore-test.ts';
import type { RunReport, ScheduledInput, StepError } from '../model/run.ts';
import { runId, runOutcome, scheduledOf } from '../model/run.ts';
import { runGraph, runStatus, stepChanged } from './messages.ts';
import { now } from './now.ts';
import { PLAN_STEP, plannedRun } from './planned-run.ts';
import { cancelled, unended, unfinishedBy } from './run-reports.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { planning } from './steps.ts';
import { tellingOfRun } from './telling-steps.ts';
import { testDetails } from './test-details.ts';
import { testSource } from './test-source.ts';

export async function restoreTest(input: ScheduledInput): Promise<RunReport> {
  const { site, plan } = input;
  const scheduled = input.scheduled ?? scheduledOf(plan, workflowInfo().workflowId);
  const id = runId(plan, scheduled);
  const tests = new Map<string, TestReport>();
  const steps = new Map<string, readonly GraphStep[]>();
  const errors: StepError[] = [];
  let planned: GraphStep = { ...PLAN_STEP, state: 'running', attempts: 1, started: now() };
  let outcome: RunReport['outcome'] = null;

  setHandler(runStatus, report);
  setHandler(runGraph, () => ({ runId: id, outcome, steps: graph() }));
  setHandler(stepChanged, showStep);

  const asked = { ...input, scheduled, timed: input.scheduled === undefined };
  const { spec, endTurn } = await plannedRun(asked, {
    plan: (options) => planning(site).planTest.executeWithOptions(options, [asked]),
    takesTurn: true,
    changed: (to) => {
      planned = { ...planned, ...to };
      show();
    },
  });
  const { waits, notified } = spec;
  for (const step of spec.steps) {
    tests.set(step.source, pending(step));
    steps.set(step.source, testSteps(step));
  }
  const hosts = [...Map.groupBy(spec.steps, ({ host }) => host).values()].map(testOneByOne);
  try {
    await Promise.all(hosts);
  } catch (error) {
    // Cancelled: it ends as such, once all steps have cleaned up.
    await Promise.allSettled(hosts);
    for (const [source, own] of steps) steps.set(source, own.map(cancelled));
    show();
    // What waited in it is over.
    if (notified) await CancellationScope.nonCancellable(tell);
    throw error;
  }
  outcome = runOutcome([...tests.values()].map((test) => test.outcome ?? 'failed'));
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  if (notified) await tell();
  await endTurn?.();
  show();
  return report();

  async function testOneByOne(of: readonly TestStep[]): Promise<void> {
    for (const step of of) await test(step);
  }

  async function test(step: TestStep): Promise<void> {
    const { source, type, host } = step;
    try {
      const child = await startChild(testSource, {
        workflowId: `${id}/${source}`,
        args: [{ site, runId: id, step, waits, notified }],
        typedSearchAttributes: [
          { key: SITE, value: site },
          { key: PLAN, value: plan },
          { key: SOURCE, value: source },
          { key: HOST, value: host },
        ],
        staticSummary: `${source}: ${type}, restored on ${host}`,
      });
      tests.set(source, await child.result());
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      const unfinished = unfinishedBy(error);
      steps.set(source, steps.get(source)?.map((one) => unended(one, unfinished)) ?? []);
      tests.set(source, { ...pending(step), outcome: 'failed', errors: [unfinished] });
    }
    show();
  }

  function showStep(step: GraphStep): void {
    const [source = ''] = step.id.split('/');
    const known = steps.get(source) ?? [];
    steps.set(
      source,
      known.map((one) => (one.id === step.id ? step : one)),
    );
    show();
  }

  function graph(): readonly GraphStep[] {
    return [planned, ...[...steps.values()].flat()];
  }

  function report(): RunReport {
    return { runId: id, outcome, sources: [], errors, tests: [...tests.values()] };
  }

  function show(): void {
    setCurrentDetails(testDetails([...tests.values()], graph(), id, outcome));
  }

  /** A notifier that fails is told in the report, and changes nothing of how the tests fared. */
  async function tell(): Promise<void> {
    try {
      const summary = 'tell whoever is to know of backups that did not restore';
      errors.push(...(await tellingOfRun(site).tellTests.executeWithOptions({ summary }, [{ report: report() }])));
    } catch (error) {
      errors.push(stepError('notify', error));
    }
  }
}

function pending({ source, host }: TestStep): TestReport {
  return { source, host, outcome: null, choice: null, proven: null, errors: [] };
}
