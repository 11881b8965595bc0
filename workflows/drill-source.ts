/** The recovery of one source in a drill: its backup is opened → restored → started → probed. A failure stays with its source. */
import {
  getExternalWorkflowHandle,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  DrilledSource,
  DrillInput,
  DrillChosen,
  DrillRestored,
  DrillSourceInput,
  DrillStarted,
  DrillStep,
  Probed,
  TriedCopies,
} from '../model/drill/drill.ts';
import { lossesOf } from '../model/drill/loss.ts';
import { drillSourceSteps, SOURCE_STEPS, sourceStepId, type SourceStepName } from '../model/drill/steps.ts';
import type { Outcome } from '../model/recovery-point.ts';
import type { StepError } from '../model/run.ts';
import { drillSourceDetails } from './drill-details.ts';
import { drilledStatus, restoreEnded, runGraph } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepRunner } from './step-runner.ts';
import { triedIn } from './tried-copies.ts';
import { hostSteps, reachHost, shortSteps } from './steps.ts';
import { waitingTeller } from './waiting-teller.ts';

export interface DrillSourceArguments {
  readonly site: string;
  readonly input: DrillInput;
  readonly step: DrillStep;
  readonly chosen: DrillChosen;
  /** RFC 3339: what came later is lost. */
  readonly disaster: string;
  /** Whether somebody is told of alerts. */
  readonly notified: boolean;
}

export async function drillSource(asked: DrillSourceArguments): Promise<DrilledSource> {
  const { site, input, step, chosen, disaster, notified } = asked;
  const { runId, host, waits, declared } = input;
  const { source } = step;
  const errors: StepError[] = [];
  let restored: DrillRestored | null = null;
  let tried: TriedCopies | null = null;
  let started: DrillStarted | null = null;
  let probes: readonly Probed[] = [];
  let rto: number | null = null;
  let outcome: Outcome | null = null;

  const teller = waitingTeller({ site, runId, waits, notified, step: { source, host } });
  const runner = stepRunner({
    steps: drillSourceSteps(step),
    changed: (changed) => {
      teller.changed(changed);
      show();
    },
  });
  setHandler(drilledStatus, report);
  setHandler(runGraph, () => ({ runId, outcome, steps: runner.steps() }));

  const sent: DrillSourceInput = { ...input, chosen };
  const of = { step: { host }, waits };
  try {
    await recover();
  } catch (error) {
    // Cancelled: what had begun is not shown as if it went on.
    runner.abandon();
    show();
    throw error;
  }
  outcome = errors.length === 0 && probes.every(({ ok }) => ok) ? 'complete' : 'failed';
  if (outcome === 'complete') rto = Date.now() - Date.parse(declared);
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  show();
  await teller.ended();
  return report();

  async function recover(): Promise<void> {
    const from = chosen.place ?? 'the repository';
    const opened = await attempt('fetch', `open ${chosen.backup.reference} from ${from}`, (left, options) =>
      hostSteps(site, of, left).fetchDrill.executeWithOptions(options, [sent]),
    );
    if (!opened) return;
    restored = await attempt('restore', `restore ${source} from ${from}`, async (left, options) => {
      try {
        return await hostSteps(site, of, left).restoreDrill.executeWithOptions(options, [sent]);
      } catch (error) {
        tried = triedIn(error) ?? tried;
        throw error;
      }
    });
    if (!restored) return;
    runner.stored(sourceStepId(source, 'restore'), restored.bytes);
    if (patched('next-restored-while-it-starts')) void tellDrill(source);
    started = await attempt('start', `start what ${source} needs`, (left, options) =>
      shortSteps(site, of, left).startDrill.executeWithOptions(options, [sent]),
    );
    if (!started) return;
    const looked = await attempt('probe', `look whether ${source} works`, (left, options) =>
      shortSteps(site, of, left).probeDrill.executeWithOptions(options, [sent]),
    );
    probes = looked ?? [];
    for (const { name, ok, detail } of probes) {
      if (ok) continue;
      errors.push({ step: 'probe', code: 'verification-failed', message: `${name}: ${detail}`, remedy: RED });
    }
  }

  /** Null where it failed: then the steps behind it are left out. */
  async function attempt<T>(
    name: SourceStepName,
    summary: string,
    once: (left: number, options: { readonly summary: string; readonly activityId: string }) => Promise<T>,
  ): Promise<T | null> {
    const id = sourceStepId(source, name);
    const { deadline, retryFirst, retryMax } = waits;
    // Asked before each step it would answer four times within seconds, while the clock runs.
    const worker = { name: host, first: name === SOURCE_STEPS[0], reach: reachHost(site, host) };
    const ended = await runner.run(id, { deadline, retryFirst, retryMax, host: worker }, ({ left }) =>
      once(left, { summary, activityId: id }),
    );
    if (ended.ok) return ended.value;
    errors.push(ended.error);
    runner.leaveOut(SOURCE_STEPS.slice(SOURCE_STEPS.indexOf(name) + 1).map((later) => sourceStepId(source, later)));
    return null;
  }

  function report(): DrilledSource {
    const { type, objectives, after } = step;
    const newest = started ? [...started.newest, { by: 'backup', time: chosen.taken } as const] : [];
    const losses = lossesOf(newest, disaster);
    const steps = runner.steps();
    return {
      source,
      type,
      objectives,
      after,
      outcome,
      choice: chosen,
      restored,
      ...(restored === null && tried && { tried }),
      started,
      probes,
      rto,
      losses,
      steps,
      errors,
    };
  }

  function show(): void {
    setCurrentDetails(drillSourceDetails(report(), runId));
  }
}

async function tellDrill(source: string): Promise<void> {
  const { parent } = workflowInfo();
  try {
    if (parent) await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(restoreEnded, source);
  } catch {
    // Cancelled, or without its drill: either ends it elsewhere.
  }
}

const RED = 'Look at what it gave: the backup may be of another moment than was expected, or the probe is wrong.';
