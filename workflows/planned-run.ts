/** How a run begins: it waits for its turn, and is planned. Where its schedule started it and that fails, somebody is told: there is no run to tell it. */
import { ActivityFailure, isCancellation, log, type ActivityOptions } from '@temporalio/workflow';
import { COORDINATOR_AWAY, PLAN, pendingStep, type GraphStep } from '../model/graph.ts';
import { runId, type PlanInput, type StepError } from '../model/run.ts';
import { wholeSeconds } from '../model/time.ts';
import { takeTurn, type EndTurn } from './plan-turn.ts';
import { now } from './now.ts';
import { isUntaken, stepError } from './step-error.ts';
import { ANSWER, ONCE } from './steps.ts';
import { tellingOfRun } from './telling-steps.ts';

export interface PlannedRun<Spec> {
  readonly spec: Spec;
  /** Absent for what is no run of the plan. */
  readonly endTurn?: EndTurn;
}

export const PLAN_STEP: GraphStep = pendingStep(PLAN, 'plan', 'read the config and plan this run');

export interface BeginOptions<Spec> {
  /** Reads what is to be done from the config, as an activity with these options. */
  readonly plan: (options: ActivityOptions & { readonly summary: string }) => Promise<Spec>;
  /** Whether other runs of the plan are kept waiting. */
  readonly takesTurn: boolean;
  /** Called with each change of the step. */
  readonly changed: (to: Partial<GraphStep>) => void;
}

const CANCELLED: StepError = { step: PLAN_STEP.name, code: 'aborted', message: 'the run was cancelled', remedy: null };

const PLANNING = { summary: PLAN_STEP.does, activityId: PLAN_STEP.id };

/** So long it is tried, in milliseconds: a coordinator that restarts is worth an hour. */
const WITHIN = 3_600_000;

/** @throws ApplicationFailure of `plan`; `busy` where another run of the plan does not end. */
export async function plannedRun<Spec>(
  input: PlanInput,
  { plan, takesTurn, changed }: BeginOptions<Spec>,
): Promise<PlannedRun<Spec>> {
  try {
    const turn = takesTurn ? { endTurn: await takeTurn(input, () => changed({ state: 'waiting' })) } : {};
    changed({ state: 'running' });
    const spec = await whenItAnswers(plan, changed);
    changed({ state: 'done', ended: now(), error: null, deadline: null });
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

/**
 * Only the coordinator takes what stands in the queue of the site, and nothing long stands before it there: where nobody takes it soon
 * that one is away, which is shown. Then it stands there until somebody does.
 */
async function whenItAnswers<Spec>(
  plan: BeginOptions<Spec>['plan'],
  changed: BeginOptions<Spec>['changed'],
): Promise<Spec> {
  const until = Date.now() + WITHIN;
  for (let isAway = false; ;) {
    const left = Math.max(1000, until - Date.now());
    try {
      return await plan({
        ...PLANNING,
        scheduleToStartTimeout: isAway ? left : Math.min(left, ANSWER),
        scheduleToCloseTimeout: left,
        // One that is back and fails is shown as running again, which Temporal's own attempts would not tell.
        ...(isAway && { retry: ONCE }),
      });
    } catch (error) {
      const untaken = isUntaken(error);
      if (Date.now() >= until || !(untaken || (isAway && isRetryable(error)))) throw error;
      isAway = untaken;
      changed(
        untaken
          ? { state: 'waiting', error: COORDINATOR_AWAY, deadline: wholeSeconds(until) }
          : { state: 'running', error: null, deadline: null },
      );
    }
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof ActivityFailure && error.retryState === 'MAXIMUM_ATTEMPTS_REACHED';
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
