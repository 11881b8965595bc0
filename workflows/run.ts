/** What all plans are made of: phases of sources, the recovery point, retention; and the graph of it all, as operators see it. */
import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { HookTime } from '../model/config/hooks.ts';
import { hookId, retentionId, runSteps, sourceSteps, RECOVERY_POINT, type GraphStep } from '../model/graph.ts';
import type { RetentionSummary } from '../model/retention/summary.ts';
import type { Phase, RunReport, RunSpec, ScheduledInput, SourceReport, SourceStep, StepError } from '../model/run.ts';
import { runId, runOutcome, scheduledOf, sourcesByHost } from '../model/run.ts';
import { backupSource } from './backup-source.ts';
import { runDetails } from './details.ts';
import { captureEnded, decideStep, runGraph, runStatus, stepChanged } from './messages.ts';
import { untilBegin } from './phase-begin.ts';
import { now } from './now.ts';
import { PLAN_STEP, plannedRun } from './planned-run.ts';
import { cancelled, leftOut, notEverywhere, ofHooks, pending, unended, unfinishedBy } from './run-reports.ts';
import { HOST, OUTCOME, PLAN, SITE, SOURCE } from './search-attributes.ts';
import { startsInTurn } from './start-in-turn.ts';
import { stepError } from './step-error.ts';
import { BRIEFLY, stepRunner, type Ended } from './step-runner.ts';
import { coordinator, planHooks, planning, reachHost, reporting, retentionSteps } from './steps.ts';
import { tellingOfRun } from './telling-steps.ts';
import { waitingTeller } from './waiting-teller.ts';

/** A run under way. A plan says what is done in which order; none of it fails but by being cancelled. */
export interface BackupRun {
  readonly spec: RunSpec;
  /** Runs the hooks of the plan; whether its sources may be captured. */
  hooks(when: HookTime): Promise<boolean>;
  /** Waits for the time of a phase and captures its sources; resolves when they are read. Copies and verification go on beside what follows. */
  capture(phase: Phase): Promise<void>;
  /** Waits until all that was captured is copied and verified, and says how the run fared. */
  copied(): Promise<void>;
  signRecoveryPoint(): Promise<void>;
  /** Deletes what is due at every place. What fails here makes no backup worse: it is told, and the next run does it. */
  retain(): Promise<void>;
  /** Runs the hooks after a run that was cancelled, and tells that nothing waits in it any longer. */
  abandon(): Promise<void>;
  /** Tells of the outcome, and lets the next run of the plan begin. */
  end(): Promise<RunReport>;
}

/** @throws ApplicationFailure of `planRun`; `busy` where another run of the plan does not end. */
export async function beginRun(input: ScheduledInput): Promise<BackupRun> {
  const { site, plan } = input;
  const { workflowId } = workflowInfo();
  const run = CancellationScope.current();
  const scheduled = input.scheduled ?? scheduledOf(plan, workflowId);
  const id = runId(plan, scheduled);
  const sources = new Map<string, SourceReport>();
  const ofSources = new Map<string, readonly GraphStep[]>();
  const read = new Set<string>();
  const running: Promise<void>[] = [];
  const errors: StepError[] = [];
  const retention: RetentionSummary[] = [];
  let planned: GraphStep = { ...PLAN_STEP, state: 'running', attempts: 1, started: now() };
  let ofRun = (): readonly GraphStep[] => [];
  let outcome: RunReport['outcome'] = null;
  let isStale = false;
  let isCancelled = false;

  setHandler(runStatus, report);
  setHandler(runGraph, () => ({ runId: id, outcome, steps: graph() }));
  setHandler(captureEnded, (source) => void read.add(source));
  setHandler(stepChanged, showStep);

  const asked = { ...input, scheduled, timed: input.scheduled === undefined };
  const { spec, endTurn } = await plannedRun(asked, {
    plan: (options) => planning(site).planRun.executeWithOptions(options, [asked]),
    // What a hole in the logs starts has an id of its own, and is no run of the plan.
    takesTurn: workflowId === id,
    changed: planChanged,
  });
  const { waits, notified, until } = spec;
  const inTurn = startsInTurn();
  // What a run does once its sources have ended must have ended too.
  const by = until === undefined ? undefined : until + OWN_STEPS;
  const order = spec.phases.flatMap(({ steps }) => steps);
  for (const { steps, begins } of spec.phases) {
    for (const step of steps) {
      sources.set(step.source, pending(step.source));
      ofSources.set(step.source, sourceSteps(step, begins));
    }
  }
  const teller = waitingTeller({ site, runId: id, waits, notified });
  const runner = stepRunner({
    steps: runSteps(spec),
    changed: (step) => {
      teller.changed(step);
      show();
    },
    others: { steps: () => [...ofSources.values()].flat(), decide: decideOfSource },
  });
  ofRun = () => runner.steps();
  show();

  return { spec, hooks, capture, copied, signRecoveryPoint, retain, abandon, end };

  function report(): RunReport {
    const pruned = retention.length > 0 ? { retention } : {};
    return { runId: id, outcome, sources: [...sources.values()], errors, ...pruned };
  }

  function graph(): readonly GraphStep[] {
    return [planned, ...[...ofSources.values()].flat(), ...ofRun()];
  }

  /** Once for all that changes at one moment: a run of hundreds of sources has a long table. */
  function show(): void {
    if (isStale) return;
    isStale = true;
    void Promise.resolve().then(showNow);
  }

  function showNow(): void {
    isStale = false;
    setCurrentDetails(runDetails(report(), graph(), isCancelled));
  }

  function planChanged(to: Partial<GraphStep>): void {
    planned = { ...planned, ...to };
    show();
  }

  function showStep(step: GraphStep): void {
    const [source = ''] = step.id.split('/');
    const known = ofSources.get(source);
    if (!known) return;
    ofSources.set(
      source,
      known.map((one) => (one.id === step.id ? step : one)),
    );
    show();
  }

  function update({ steps, ...source }: SourceReport): void {
    sources.set(source.source, source);
    if (steps) ofSources.set(source.source, steps);
    show();
  }

  /** An operator's word to the run about a step of one of its sources. */
  async function decideOfSource(what: 'retry' | 'skip', step: string, reason: string | undefined): Promise<void> {
    const [source = ''] = step.split('/');
    const asked = reason === undefined ? { step } : { step, reason };
    await getExternalWorkflowHandle(`${id}/${source}`).signal(decideStep, what, asked);
  }

  async function hooks(when: HookTime): Promise<boolean> {
    if (!spec.hooks?.includes(when)) return true;
    const { retryFirst, retryMax, captureDeadline: deadline } = waits;
    const summary = `run the hooks ${when} the plan ${plan}`;
    const within = run.consideredCancelled ? Math.min(BRIEFLY, deadline) : deadline;
    const policy = { deadline: within, retryFirst, retryMax, host: coordinator(site) };
    const ended = await runner.run(hookId('plan', when), policy, ({ left }) =>
      planHooks(site, waits, left).planHook.executeWithOptions({ summary, activityId: hookId('plan', when) }, [
        { spec, when, outcome },
      ]),
    );
    if (!ended.ok) errors.push(ended.error);
    else errors.push(...ended.value.warnings.map((message) => ofHooks(when, message)));
    if (outcome === 'complete' && (!ended.ok || ended.value.warnings.length > 0)) outcome = 'partial';
    const why = ended.ok ? ended.value.skipped : 'the hooks before the plan failed';
    if (when === 'before' && why !== null)
      for (const { source } of order) leaveOut(source, why, ended.ok ? null : ended.error);
    return why === null;
  }

  /** @param error null where a hook said that it is to be left out. */
  function leaveOut(source: string, why: string, error: StepError | null): void {
    const steps = ofSources.get(source)?.map(leftOut) ?? [];
    const of =
      error === null
        ? ({ state: 'done', outcome: 'skipped', softSkip: why } as const)
        : ({ state: 'failed', outcome: 'failed', errors: [error] } as const);
    update({ ...pending(source), ...of, steps });
  }

  async function capture({ steps, begins }: Phase): Promise<void> {
    await untilCancelled(untilBegin(begins));
    running.push(...steps.map(backUp));
    await untilCancelled(condition(() => steps.every(({ source }) => read.has(source))));
  }

  async function copied(): Promise<void> {
    await untilCancelled(Promise.all(running));
    outcome = runOutcome([...sources.values()].map((source) => source.outcome ?? 'failed'));
  }

  /** With the run Temporal would end its sources at once, in the middle of their cleaning up. */
  async function untilCancelled(waiting: Promise<unknown>): Promise<void> {
    try {
      await waiting;
    } catch (error) {
      await Promise.allSettled(running);
      throw error;
    }
  }

  async function backUp(step: SourceStep): Promise<void> {
    const { source, type, host, destinations, after = [] } = step;
    try {
      await condition(() => after.every((other) => read.has(other)));
      const child = await inTurn(() =>
        startChild(backupSource, {
          workflowId: `${id}/${source}`,
          args: [{ site, runId: id, scheduled, step, waits, notified, ...(until === undefined ? {} : { until }) }],
          typedSearchAttributes: [
            { key: SITE, value: site },
            { key: PLAN, value: plan },
            { key: SOURCE, value: source },
            { key: HOST, value: host },
          ],
          staticSummary: `${source}: ${type} on ${host}${destinations.map((to) => `, copy to ${to}`).join('')}`,
        }),
      );
      update({ ...pending(source), state: 'capturing' });
      update(await child.result());
    } catch (error) {
      // The run itself was cancelled: it ends as such, once all its sources have cleaned up.
      if (CancellationScope.current().consideredCancelled) throw error;
      const unfinished = unfinishedBy(error);
      const steps = ofSources.get(source)?.map((one) => unended(one, unfinished)) ?? [];
      update({ ...pending(source), state: 'failed', outcome: 'failed', errors: [unfinished], steps });
    } finally {
      read.add(source);
    }
  }

  async function signRecoveryPoint(): Promise<void> {
    const { retryFirst, retryMax, verifyDeadline: deadline } = waits;
    const summary = 'sign the recovery point and copy it to every destination';
    const policy = { deadline, by, retryFirst, retryMax, host: coordinator(site) };
    const signed = await runner.run(RECOVERY_POINT, policy, ({ left }) =>
      reporting(site, waits, left, by).signRecoveryPoint.executeWithOptions({ summary, activityId: RECOVERY_POINT }, [
        { spec, report: report() },
      ]),
    );
    errors.push(...(signed.ok ? signed.value.warnings.map(notEverywhere) : [signed.error]));
    if (errors.length > 0 && outcome === 'complete') outcome = 'partial';
    upsertSearchAttributes([{ key: OUTCOME, value: outcome ?? 'failed' }]);
    show();
  }

  async function retain(): Promise<void> {
    await Promise.all(sourcesByHost(order).map(({ host, names }) => retainOn(host, names)));
    show();
  }

  async function retainOn(host: string, names: readonly string[]): Promise<void> {
    const summary = `delete what is due of ${names.join(', ')}, at every place`;
    const { retryFirst, retryMax } = waits;
    const of = { name: host, first: true, reach: reachHost(site, host) };
    // Temporal itself tries it a few times. A host that is down must not hold up the end of the run.
    const policy = { deadline: RETENTION, by, retryFirst, retryMax, host: of };
    const pruned: Ended<RetentionSummary> = await runner.run(retentionId(host), policy, () =>
      retentionSteps(site, host, waits, by).retention.executeWithOptions({ summary, activityId: retentionId(host) }, [
        { waits, sources: names },
      ]),
    );
    if (pruned.ok) retention.push(pruned.value);
    else errors.push(pruned.error);
  }

  async function abandon(): Promise<void> {
    await hooks('after');
    runner.abandon();
    isCancelled = true;
    // Of a source that has not begun no workflow says how it stands: it waited for its phase, for another source, or for its turn.
    // One that has begun says it itself, but here a step of it would wait for ever.
    for (const { source, state } of sources.values()) {
      const steps = ofSources.get(source) ?? [];
      const isOver = (step: GraphStep): boolean => state === 'pending' || step.state === 'waiting';
      ofSources.set(
        source,
        steps.map((step) => (isOver(step) ? cancelled(step) : step)),
      );
    }
    show();
    if (notified) await tell();
  }

  async function end(): Promise<RunReport> {
    await teller.ended();
    if (notified) await tell();
    await endTurn?.();
    showNow();
    return report();
  }

  /** A notifier that fails is told in the report, and changes nothing of how the run fared. */
  async function tell(): Promise<void> {
    try {
      const summary = 'tell whoever is to know how the run ended';
      errors.push(...(await tellingOfRun(site).tellRun.executeWithOptions({ summary }, [{ spec, report: report() }])));
    } catch (error) {
      errors.push(stepError('notify', error));
    }
  }
}

/** So long, of the time between a run and the next, it has for its own steps, in milliseconds. */
const OWN_STEPS = 14 * 60_000;

/** So long a host is waited for before its retention is left to the next run, in milliseconds. */
const RETENTION = 10_000;
