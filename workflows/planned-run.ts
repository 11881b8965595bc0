/** How a run begins: it waits for its turn, and is planned. Where its schedule started it and that fails, somebody is told: there is no run to tell it. */
import { isCancellation, log } from '@temporalio/workflow';
import { PLAN, pendingStep, type GraphStep } from '../model/graph.ts';
import { runId, type PlanInput, type RunSpec, type StepError } from '../model/run.ts';
import { takeTurn, type EndTurn } from './plan-turn.ts';
import { stepError } from './step-error.ts';
import { planning, tellingOfRun } from './steps.ts';

export interface PlannedRun {
  readonly spec: RunSpec;
  /** Absent for what is no run of the plan. */
  readonly endTurn?: EndTurn;
}

export const PLAN_STEP: GraphStep = pendingStep(PLAN, 'plan', 'read the config and plan this run');

export interface BeginOptions {
  /** Whether other runs of the plan are kept waiting. */
  readonly takesTurn: boolean;
  /** Called with each change of the step. */
  readonly changed: (to: Partial<GraphStep>) => void;
}

/** @throws ApplicationFailure of `planRun`; `busy` where another run of the plan does not end. */
export async function plannedRun(input: PlanInput, { takesTurn, changed }: BeginOptions): Promise<PlannedRun> {
  const { site } = input;
  try {
    const turn = takesTurn ? { endTurn: await takeTurn(input, () => changed({ state: 'waiting' })) } : {};
    changed({ state: 'running' });
    const options = { summary: PLAN_STEP.does, activityId: PLAN_STEP.id };
    const spec = await planning(site).planRun.executeWithOptions(options, [input]);
    changed({ state: 'done', ended: now() });
    return { spec, ...turn };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const failed = stepError(PLAN_STEP.name, error);
    changed({ state: 'failed', ended: now(), error: failed });
    if (input.timed === true) await tell(input, failed);
    throw error;
  }
}

async function tell({ site, plan, scheduled }: PlanInput, error: StepError): Promise<void> {
  const report = { runId: runId(plan, scheduled), outcome: 'failed', sources: [], errors: [error] } as const;
  try {
    const summary = 'tell whoever is to know that the run could not begin';
    await tellingOfRun(site).tellRun.executeWithOptions({ summary }, [{ spec: { plan }, report }]);
  } catch (untold) {
    if (isCancellation(untold)) throw untold;
    log.warn('that the run could not begin could not be told', { error: untold });
  }
}

function now(): string {
  return new Date(Date.now()).toISOString();
}
