/** The schedules of a site that Temporal has. */
import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { isDeepStrictEqual } from 'node:util';
import { TypedSearchAttributes } from '@temporalio/common';
import { z } from 'zod';
import { wholeSeconds } from '../../model/time.ts';
import { PLAN, SITE } from '../../workflows/search-attributes.ts';
import { askedMemo } from '../runs/start.ts';
import { patiently } from '../temporal/patiently.ts';
import type { Existing } from './difference.ts';
import { timingOf } from './spec.ts';
import { schedulePrefix, type Schedule } from './wanted.ts';

export interface ListedSchedule extends Existing {
  /** Why it is paused, or what was said last; null where nobody said anything. */
  readonly note: string | null;
  /** RFC 3339, as the server has them: the next one, null where it runs no more, and the next five. */
  readonly next: string | null;
  readonly nextTimes: readonly string[];
  readonly lastRun: string | null;
  readonly taken: number;
  /** Times that were left out because the run before still went on, and because they came too late. */
  readonly skipped: number;
  readonly missed: number;
}

/**
 * Those of a site, in the order of their ids. The list of a server lags behind, so those that are expected are asked
 * for by name as well.
 * @param patience as `patiently`.
 */
export async function existingSchedules(
  client: Client,
  site: string,
  expected: readonly string[],
  patience?: number,
): Promise<readonly ListedSchedule[]> {
  const ids = new Set(expected);
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(schedulePrefix(site))) ids.add(scheduleId);
  }
  const found = await Promise.all([...ids].toSorted().map((id) => patiently(() => describe(client, id), patience)));
  return found.filter((one) => one !== undefined);
}

async function describe(client: Client, id: string): Promise<ListedSchedule | undefined> {
  try {
    const description = await client.schedule.getHandle(id).describe();
    const { state, info } = description;
    const times = info.nextActionTimes.slice(0, 5).map((time) => wholeSeconds(time.getTime()));
    return {
      id,
      paused: state.paused,
      schedule: isOurs(description) ? scheduleOf(id, description) : null,
      note: state.note === undefined || state.note === '' ? null : state.note,
      next: times[0] ?? null,
      nextTimes: times,
      lastRun: info.recentActions.at(-1)?.action.workflow.workflowId ?? null,
      taken: info.numActionsTaken,
      skipped: info.numActionsSkippedOverlap,
      missed: info.numActionsMissedCatchupWindow,
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

const input = z.tuple([z.strictObject({ site: z.string(), plan: z.string() })]);

/**
 * Whether a hand has left it alone beside its times. A number of runs after which it starts none, times after which Temporal ends a run,
 * and runs that lack what they are found and joined by are nothing that anybody sees in a list.
 */
function isOurs({ state, action }: ScheduleDescription): boolean {
  const args = input.safeParse(action.args);
  if (!args.success || state.remainingActions !== undefined) return false;
  const [of] = args.data;
  const { workflowExecutionTimeout, workflowRunTimeout, workflowTaskTimeout, retry } = action;
  const { typedSearchAttributes: given = [], memo } = action;
  const attributes = given instanceof TypedSearchAttributes ? given : new TypedSearchAttributes([...given]);
  return (
    [workflowExecutionTimeout, workflowRunTimeout, workflowTaskTimeout, retry].every((one) => one === undefined) &&
    attributes.get(SITE) === of.site &&
    attributes.get(PLAN) === of.plan &&
    isDeepStrictEqual(memo?.['asked'], askedMemo(of))
  );
}

/** Null where anything in it is not as we make it. */
function scheduleOf(id: string, { spec, action, policies }: ScheduleDescription): Schedule | null {
  const timing = timingOf(spec);
  const args = input.safeParse(action.args);
  if (!timing || !args.success || policies.overlap !== 'SKIP' || policies.pauseOnFailure) return null;
  const [of] = args.data;
  return {
    id,
    plan: of.plan,
    workflowType: action.workflowType,
    workflowId: action.workflowId,
    taskQueue: action.taskQueue,
    ...timing,
    catchUp: policies.catchupWindow,
    overlap: 'SKIP',
    input: of,
  };
}
