/**
 * Runs of one plan take turns: each holds a workflow of one fixed id while it goes on, so that one on demand and one of the schedule
 * never overlap, whoever started them and whatever is killed: with the run Temporal ends what it holds.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  setHandler,
  sleep,
  startChild,
} from '@temporalio/workflow';
import { turnOver } from './messages.ts';

/** Does nothing until its run has ended. */
export async function planTurn(): Promise<void> {
  let over = false;
  setHandler(turnOver, () => void (over = true));
  await condition(() => over);
}

/** Lets the next run of the plan begin. */
export type EndTurn = () => Promise<void>;

/** The first and the longest pause between two tries, and how long it is tried, in milliseconds: all of them are some 7000 events. */
const FIRST = 500;
const LONGEST = 60_000;
const WITHIN = 12 * 3_600_000;

/**
 * Waits until no other run of the plan goes on.
 * @param onWait called once, where it has to wait.
 * @throws ApplicationFailure `busy` where the other goes on for all that time.
 */
export async function takeTurn(
  { site, plan }: { readonly site: string; readonly plan: string },
  onWait: () => void,
): Promise<EndTurn> {
  const until = Date.now() + WITHIN;
  for (let pause = FIRST; ; pause = Math.min(2 * pause, LONGEST)) {
    try {
      // A run that is cancelled keeps its turn until it has cleaned up: then it ends, and what it holds with it.
      const turn = await CancellationScope.nonCancellable(() =>
        startChild(planTurn, {
          workflowId: `turn/${site}/${plan}`,
          staticSummary: `keeps other runs of the plan ${plan} waiting while one goes on`,
        }),
      );
      return async () => {
        try {
          await turn.signal(turnOver);
          await turn.result();
        } catch (error) {
          if (isCancellation(error)) throw error;
          // Somebody has ended it in Temporal: the next run may begin, and this one has done its work.
          log.warn('the turn was over before its run', { error });
        }
      };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      if (Date.now() + pause >= until) throw stillBusy(plan);
    }
    if (pause === FIRST) onWait();
    await sleep(pause);
  }
}

function stillBusy(plan: string): ApplicationFailure {
  return ApplicationFailure.create({
    message: `another run of the plan "${plan}" goes on for too long: this one was not begun, and nothing was changed`,
    type: 'busy',
    nonRetryable: true,
    details: [{ remedy: 'Look at that run (mosaic-backup runs list), then run this plan and time again.' }],
  });
}
