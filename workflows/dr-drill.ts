/**
 * The disaster-recovery drill: declared at a moment that nobody knows, then everything is recovered in a sandbox as after the disaster itself, and the
 * clock runs until all of it does its work again. What was measured is signed and written down; nothing of the sandbox stays.
 */
import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { criticalPath } from '../model/drill/critical-path.ts';
import {
  DRILL_SCHEMA,
  MANUAL_PHASES,
  type Confirmation,
  type DrillAsked,
  type DrilledSource,
  type DrillInput,
  type DrillReport,
  type ManualPhase,
} from '../model/drill/drill.ts';
import { rpoOf } from '../model/drill/loss.ts';
import {
  CHOOSE,
  confirmId,
  DECLARE,
  drillSteps,
  isProvisioned,
  MEASURE,
  PROVISION,
  REPORT,
  TEAR_DOWN,
} from '../model/drill/steps.ts';
import type { GraphStep } from '../model/graph.ts';
import type { Outcome } from '../model/recovery-point.ts';
import type { RunReport, StepError } from '../model/run.ts';
import { runId, runOutcome, scheduledOf } from '../model/run.ts';
import { jitterOf } from '../model/timetable/phases.ts';
import { drillDetails } from './drill-details.ts';
import { confirmationsOf } from './drill-confirmations.ts';
import { pendingSource, recoverSources } from './drill-sources.ts';
import { decideStep, drillStatus, runGraph, runStatus, stepChanged } from './messages.ts';
import { now } from './now.ts';
import { PLAN_STEP, plannedRun } from './planned-run.ts';
import { cancelled, leftOut } from './run-reports.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { BRIEFLY, stepRunner } from './step-runner.ts';
import { coordinator, hostSteps, planning, reachHost, reporting, shortSteps } from './steps.ts';
import { tellingOfRun } from './telling-steps.ts';
import { waitingTeller } from './waiting-teller.ts';

export async function drDrill(input: DrillAsked): Promise<RunReport> {
  const { site, plan } = input;
  const scheduled = input.scheduled ?? scheduledOf(plan, workflowInfo().workflowId);
  const id = runId(plan, scheduled);
  const errors: StepError[] = [];
  const untold: StepError[] = [];
  const confirmations: Confirmation[] = [];
  const sources = new Map<string, DrilledSource>();
  let planned: GraphStep = { ...PLAN_STEP, state: 'running', attempts: 1, started: now() };
  let report: DrillReport | null = null;
  let ofDrill = (): readonly GraphStep[] => [];

  setHandler(runStatus, result);
  setHandler(runGraph, () => ({ runId: id, outcome: report?.outcome ?? null, steps: graph() }));

  const asked = { ...input, scheduled, timed: input.scheduled === undefined };
  const { spec, endTurn } = await plannedRun(asked, {
    plan: (options) => planning(site).planDrill.executeWithOptions(options, [asked]),
    takesTurn: true,
    changed: (to) => {
      planned = { ...planned, ...to };
      show();
    },
  });
  const { scenario, host, steps, manual, waits, notified, objectives } = spec;
  for (const step of steps) sources.set(step.source, pendingSource(step));
  report = {
    schema: DRILL_SCHEMA,
    runId: id,
    site,
    scenario,
    host,
    outcome: null,
    declared: null,
    ended: null,
    choice: null,
    sources: [],
    steps: [],
    objectives,
    rto: null,
    criticalPath: [],
    rpo: null,
    confirmations,
    config: spec.config,
    errors,
  };
  const teller = waitingTeller({ site, runId: id, waits, notified });
  const runner = stepRunner({
    steps: drillSteps(spec),
    changed: (step) => {
      teller.changed(step);
      show();
    },
    others: { steps: () => [...sources.values()].flatMap((one) => one.steps), decide: decideOfSource },
  });
  ofDrill = () => runner.steps();
  setHandler(drillStatus, () => ({ ...current(), steps: graph() }));
  setHandler(stepChanged, showStep);
  const of = { step: { host }, waits };
  const policy = { deadline: waits.deadline, retryFirst: waits.retryFirst, retryMax: waits.retryMax };
  const reach = reachHost(site, host);
  const onHost = { ...policy, host: { name: host, first: true, reach } };
  // It has just answered, unless somebody was waited for since.
  const stillOnHost = { ...policy, host: { name: host, first: manual.includes('choose'), reach } };
  const asking = confirmationsOf({ spec, runner, told: () => (notified ? tell() : Promise.resolve()) });
  const sandbox: DrillInput = { runId: id, scenario, host, steps, waits, declared: '', at: spec.at };
  try {
    await runner.run(DECLARE, policy, () => sleep(jitterOf(`${id}/${uuid4()}`, spec.declareWithin)));
    const declared = now();
    change({ declared });
    await recover({ ...sandbox, declared });
    await measure();
    const reported = await runner.run(REPORT, { ...policy, host: coordinator(site) }, ({ left }) => {
      const options = { summary: 'sign the report, and write the documents', activityId: REPORT };
      return reporting(site, waits, left, undefined).recordDrill.executeWithOptions(options, [
        { report: { ...current(), steps: graph() } },
      ]);
    });
    if (!reported.ok && current().outcome === 'complete') ended('partial');
    errors.push(...(reported.ok ? reported.value : [reported.error]));
    if ([...sources.values()].some(({ restored }) => restored !== null)) await confirmation('tear-down');
    else runner.leaveOut(manual.filter((phase) => phase === 'tear-down').map(confirmId));
  } finally {
    // Cancelled or not: nothing of it stays, and nobody is waited for any more.
    const isCancelled = CancellationScope.current().consideredCancelled;
    await CancellationScope.nonCancellable(async () => {
      await tearDown(isCancelled);
      for (const [source, one] of sources) sources.set(source, { ...one, steps: one.steps.map(cancelled) });
      runner.leaveOut(unended(runner.steps()));
      if (notified) await tell();
      await asking.ended();
    });
  }
  await endTurn?.();
  await teller.ended();
  show();
  return result();

  async function recover(to: DrillInput): Promise<void> {
    if (!(await confirmation('provision'))) return nothingRecovered();
    const ready = await runner.run(PROVISION, onHost, ({ left }) =>
      hostSteps(site, of, left).provisionDrill.executeWithOptions(
        { summary: `make ${host} ready`, activityId: PROVISION },
        [to],
      ),
    );
    if (!ready.ok) return nothingRecovered(ready.error);
    if (!(await confirmation('choose'))) return nothingRecovered();
    const chosen = await runner.run(CHOOSE, stillOnHost, ({ left }) =>
      hostSteps(site, of, left).chooseDrill.executeWithOptions(
        { summary: 'choose what is recovered, and from where', activityId: CHOOSE },
        [to],
      ),
    );
    if (!chosen.ok) return nothingRecovered(chosen.error);
    change({ choice: chosen.value });
    if (!(await confirmation('restore'))) return nothingRecovered();
    await recoverSources({ id, plan, spec, input: to, choice: chosen.value, sources, changed: show });
    await confirmation('probe');
  }

  function nothingRecovered(...why: readonly StepError[]): void {
    errors.push(...why);
    const left = runner.steps().filter(({ id: step, ended }) => ended === null && BEFORE_RECOVERY.has(step));
    runner.leaveOut(left.map(({ id: step }) => step));
    for (const [source, one] of sources)
      sources.set(source, { ...one, outcome: 'failed', steps: one.steps.map(leftOut) });
  }

  async function measure(): Promise<void> {
    await runner.run(MEASURE, policy, async () => {
      const all = [...sources.values()];
      const isGreen = all.every(({ outcome }) => outcome === 'complete') && errors.length === 0;
      const declared = Date.parse(current().declared ?? now());
      const losses = all.map((one) => rpoOf(one.losses));
      change({
        ended: now(),
        rto: isGreen ? Date.now() - declared : null,
        rpo: losses.length > 0 && losses.every((loss) => loss !== null) ? Math.max(...losses) : null,
        criticalPath: criticalPath(graph()),
      });
      ended(errors.length > 0 ? 'failed' : runOutcome(all.map(({ outcome }) => outcome ?? 'failed')));
    });
  }

  function ended(outcome: Outcome): void {
    change({ outcome });
    upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  }

  /** Somebody's word, where the phase is a manual one: whether it may go on. The clock runs. */
  async function confirmation(phase: ManualPhase): Promise<boolean> {
    const confirmed = await asking.confirmation(phase);
    if (confirmed === null) return true;
    const isGiven = !('error' in confirmed);
    if (isGiven) confirmations.push(confirmed);
    else errors.push(confirmed.error);
    show();
    return isGiven;
  }

  /**
   * A host that is away is waited for: all of it lies there in plaintext. Only briefly where nothing was made there, or the drill was cancelled:
   * somebody waits for its end then.
   */
  async function tearDown(isCancelled: boolean): Promise<void> {
    const briefly = Math.max(BRIEFLY, waits.retryMax);
    const isBrief = isCancelled || !isProvisioned(runner.steps());
    const deadline = isBrief ? briefly : Math.max(briefly, waits.deadline);
    const torn = await runner.run(TEAR_DOWN, { ...onHost, deadline }, ({ left }) =>
      shortSteps(site, of, left).tearDownDrill.executeWithOptions(
        { summary: 'end all services, and remove what was recovered', activityId: TEAR_DOWN },
        [sandbox],
      ),
    );
    if (!torn.ok) errors.push(torn.error);
  }

  /** A notifier that fails is told in the report, and changes nothing of how the drill fared. */
  async function tell(): Promise<void> {
    try {
      const summary = 'tell whoever is to know how the drill stands';
      const told = { report: { ...current(), steps: graph() } };
      untold.push(...(await tellingOfRun(site).tellDrill.executeWithOptions({ summary }, [told])));
    } catch (error) {
      // Cancelled: whoever is to know is told at the end.
      if (!isCancellation(error)) untold.push(stepError('notify', error));
    }
  }

  async function decideOfSource(what: 'retry' | 'skip', step: string, reason: string | undefined): Promise<void> {
    const [source = ''] = step.split('/');
    const word = reason === undefined ? { step } : { step, reason };
    await getExternalWorkflowHandle(`${id}/${source}`).signal(decideStep, what, word);
  }

  function showStep(step: GraphStep): void {
    const [source = ''] = step.id.split('/');
    const known = sources.get(source);
    if (!known) return;
    sources.set(source, { ...known, steps: known.steps.map((one) => (one.id === step.id ? step : one)) });
    show();
  }

  function change(to: Partial<DrillReport>): void {
    report = { ...current(), ...to };
    show();
  }

  function current(): DrillReport {
    if (!report) throw new TypeError('a drill that was not planned');
    return { ...report, sources: [...sources.values()] };
  }

  function graph(): readonly GraphStep[] {
    return [planned, ...ofDrill(), ...[...sources.values()].flatMap((one) => one.steps)];
  }

  function result(): RunReport {
    const drill = report ? { drill: { ...current(), steps: graph() } } : {};
    return { runId: id, outcome: report?.outcome ?? null, sources: [], errors: [...errors, ...untold], ...drill };
  }

  function show(): void {
    setCurrentDetails(drillDetails(report ? current() : null, graph(), id));
  }
}

/** Steps that are not done where the ones before them failed. */
const BEFORE_RECOVERY: ReadonlySet<string> = new Set([PROVISION, CHOOSE, ...MANUAL_PHASES.map(confirmId)]);

function unended(steps: readonly GraphStep[]): readonly string[] {
  return steps.flatMap(({ id, ended }) => (ended === null ? [id] : []));
}
