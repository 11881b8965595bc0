/**
 * Why a run is not planned yet: Temporal knows at once that nobody has taken the step, and whether somebody is at it again. The workflow,
 * with which any worker of the site goes on, hears of it a little later.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { COORDINATOR_AWAY, PLAN } from '../../model/graph.ts';
import type { StepError } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';

export interface Unplanned {
  readonly error: StepError;
  /** RFC 3339: when it is given up. */
  readonly deadline: string | null;
}

type Description = Awaited<ReturnType<WorkflowHandle['describe']>>;

/** Milliseconds after which a step that nobody has taken is told of: a worker that only restarts is back by then. */
const SOON = 5_000;

/** Null where it is planned, or somebody is at it. */
export function unplanned({ raw }: Pick<Description, 'raw'>, now: number): Unplanned | null {
  const step = (raw.pendingActivities ?? []).find(({ activityId }) => activityId === PLAN);
  if (!step) return null;
  // Of an attempt that was lost the next one is scheduled after it.
  const scheduled = millisecondsOf(step.scheduledTime);
  if (step.lastStartedTime && millisecondsOf(step.lastStartedTime) >= scheduled) return null;
  if (now - scheduled < SOON) return null;
  const until = millisecondsOf(step.expirationTime);
  return {
    error: COORDINATOR_AWAY,
    deadline: until === 0 ? null : wholeSeconds(until),
  };
}

function millisecondsOf(time: { readonly seconds?: unknown } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000;
}
