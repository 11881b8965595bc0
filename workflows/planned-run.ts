/** How a run begins: it waits for its turn, and is planned. Where its schedule started it and that fails, somebody is told: there is no run to tell it. */
import { isCancellation, log } from '@temporalio/workflow';
import { PLAN, pendingStep, type GraphStep } from '../model/graph.ts';
import { runId, type PlanInput, type StepError } from '../model/run.ts';
import { takeTurn, type EndTurn } from './plan-turn.ts';
import { now } from './now.ts';
import { stepError } from './step-error.ts';
import { tellingOfRun } from './steps.ts';

export interface PlannedRun<Spec> {
  readonly spec: Spec;
  /** Absent for what is no run of the plan. */
  readonly endTurn?: EndTurn;
}

export const PLAN_STEP: GraphStep = pendingStep(PLAN, 'plan', 'read the config and plan this run');

export interface BeginOptions<Spec> {
  /** Reads what is to be done from the config, as an activity with these options. */
  readonly plan: (options: typeof PLANNING) => Promise<Spec>;
  /** Whether other runs of the plan are kept waiting. */
  readonly takesTurn: boolean;
  /** Called with each change of the step. */
  readonly changed: (to: Partial<GraphStep>) => void;
}

const CANCELLED: StepError = { step: PLAN_STEP.name, code: 'aborted', message: 'the run was cancelled', remedy: null };

const PLANNING = { summary: PLAN_STEP.does, activityId: PLAN_STEP.id };

/** @throws ApplicationFailure of `plan`; `busy` where another run of the plan does not end. */
export async function plannedRun<Spec>(
  input: PlanInput,
  { plan, takesTurn, changed }: BeginOptions<Spec>,
): Promise<PlannedRun<Spec>> {
  try {
    const turn = takesTurn ? { endTurn: await takeTurn(input, () => changed({ state: 'waiting' })) } : {};
    changed({ state: 'running' });
    const spec = await plan(PLANNING);
    changed({ state: 'done', ended: now() });
    return { spec, ...turn };
  } catch (error) {
    if (isCancellation(error)) {
      changed({ state: 'failed', ended: now(), error: CANCELLED });
      throw error;
    }
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
