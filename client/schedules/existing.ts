/** The schedules of a site that Temporal has. */
import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { z } from 'zod';
import type { Existing } from './difference.ts';
import { PLANS, type Plan } from '../runs/start.ts';
import { schedulePrefix, type Schedule } from './wanted.ts';

export interface ListedSchedule extends Existing {
  /** Why it is paused, or was; null where nobody has said. */
  readonly note: string | null;
  /** RFC 3339; null where it runs no more. */
  readonly next: string | null;
  readonly lastRun: string | null;
  readonly taken: number;
  /** Times that were left out because the run before still went on, and because they came too late. */
  readonly skipped: number;
  readonly missed: number;
}

/**
 * Those of a site, in the order of their ids. The list of a server lags behind, so those that are expected are asked
 * for by name as well.
 */
export async function existingSchedules(
  client: Client,
  site: string,
  expected: readonly string[],
): Promise<readonly ListedSchedule[]> {
  const ids = new Set(expected);
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(schedulePrefix(site))) ids.add(scheduleId);
  }
  const found = await Promise.all([...ids].toSorted().map((id) => describe(client, id)));
  return found.filter((one) => one !== undefined);
}

async function describe(client: Client, id: string): Promise<ListedSchedule | undefined> {
  try {
    const description = await client.schedule.getHandle(id).describe();
    const { state, info } = description;
    return {
      id,
      paused: state.paused,
      note: state.note ?? null,
      schedule: scheduleOf(id, description),
      next: info.nextActionTimes[0]?.toISOString() ?? null,
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

const input = z.tuple([z.strictObject({ site: z.string(), plan: z.enum(Object.keys(PLANS) as [Plan, ...Plan[]]) })]);

/** Null where anything in it is not as we make it. */
function scheduleOf(id: string, { spec, action, policies }: ScheduleDescription): Schedule | null {
  const [interval, ...more] = spec.intervals ?? [];
  const others = [...more, ...(spec.calendars ?? []), ...(spec.skip ?? [])];
  const args = input.safeParse(action.args);
  if (!interval || others.length > 0 || (interval.offset ?? 0) !== 0 || spec.jitter || spec.startAt || spec.endAt)
    return null;
  if (!args.success || policies.overlap !== 'SKIP' || policies.pauseOnFailure) return null;
  const [of] = args.data;
  return {
    id,
    plan: of.plan,
    workflowType: action.workflowType,
    workflowId: action.workflowId,
    taskQueue: action.taskQueue,
    every: interval.every,
    catchUp: policies.catchupWindow,
    overlap: 'SKIP',
    input: of,
  };
}
