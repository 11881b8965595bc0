/** A restore as a workflow: started or joined, watched, cancelled. */
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { Client, WorkflowHandleWithFirstExecutionRunId, WorkflowResultType } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy, type SearchAttributePair } from '@temporalio/common';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ProgressReport } from '../../activities/work.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import { TAKE_BACK, type InPlaceInput, type InPlaceReport, type InPlaceRun } from '../../model/in-place-run.ts';
import { serverText, whatText, type IntoInput, type IntoReport, type IntoRun } from '../../model/into-run.ts';
import type { PointReport, RestorePointInput, RestorePointRun } from '../../model/restore-point-run.ts';
import type { RestoreInput, RestoreReport, RestoreRun, RestoreWaits } from '../../model/restore-run.ts';
import { taskQueues } from '../../model/run.ts';
import { runGraph } from '../../workflows/messages.ts';
import { HOST, PLAN, SITE, SOURCE } from '../../workflows/search-attributes.ts';
import { IN_PLACE_TYPE, INTO_TYPE, RESTORE_ID, RESTORE_PLAN, RESTORE_POINT_TYPE, RESTORE_TYPE } from '../runs/start.ts';
import { runError, stepProgress } from '../runs/watch.ts';

type RestoreWorkflow = (run: RestoreRun) => Promise<RestoreReport>;
export type RestoreHandle = WorkflowHandleWithFirstExecutionRunId<RestoreWorkflow>;

type InPlaceWorkflow = (run: InPlaceRun) => Promise<InPlaceReport>;
export type InPlaceHandle = WorkflowHandleWithFirstExecutionRunId<InPlaceWorkflow>;

type IntoWorkflow = (run: IntoRun) => Promise<IntoReport>;
export type IntoHandle = WorkflowHandleWithFirstExecutionRunId<IntoWorkflow>;

type PointWorkflow = (run: RestorePointRun) => Promise<PointReport>;
export type PointHandle = WorkflowHandleWithFirstExecutionRunId<PointWorkflow>;

export type RestoreWorkflows = RestoreWorkflow | InPlaceWorkflow | IntoWorkflow | PointWorkflow;

type Asked = RestoreInput | InPlaceInput | IntoInput | RestorePointInput;

/** Milliseconds that what fails is tried again: somebody waits for it. A worker that died, and is back, goes on. */
const DEADLINE = 600_000;

/** As the daily plan has them. */
function waitsOf({ plans: { daily } }: Pick<SiteConfig, 'plans'>): RestoreWaits {
  const { retryFirst, retryMax, heartbeat, standstill } = daily;
  return { deadline: DEADLINE, retryFirst, retryMax, heartbeat, standstill };
}

/** Of two restores to one folder of a host there is one. */
export function restoreRunId({ site, host, to }: Pick<RestoreInput, 'site' | 'host' | 'to'>): string {
  return `${RESTORE_ID}${site}/${host}/${createHash('sha256').update(to).digest('hex').slice(0, 16)}`;
}

/**
 * Starts it, or joins the same one.
 * @param once what fails is not tried again.
 * @throws BackupError `busy` where another one to that folder goes on.
 */
export async function startRestore(
  client: Client,
  config: Pick<SiteConfig, 'plans'>,
  input: RestoreInput,
  once = false,
): Promise<RestoreHandle> {
  const { host, source, backup, to } = input;
  const handle = await client.workflow.start<RestoreWorkflow>(RESTORE_TYPE, {
    ...startOf(input, to, [{ key: SOURCE, value: source }]),
    args: [{ ...input, waits: waitsOf(config), ...(once && { once }) }],
    staticSummary: `restore ${backup.reference} to ${to} on ${host}`,
  });
  return ofThis(handle, input, to);
}

/** The same of a whole recovery point. */
export async function startPoint(
  client: Client,
  config: Pick<SiteConfig, 'plans'>,
  input: RestorePointInput,
  { beside, once }: Required<Pick<RestorePointRun, 'beside' | 'once'>>,
): Promise<PointHandle> {
  const { host, point, to } = input;
  const handle = await client.workflow.start<PointWorkflow>(RESTORE_POINT_TYPE, {
    ...startOf(input, to),
    args: [{ ...input, waits: waitsOf(config), beside, ...(once && { once }) }],
    staticSummary: `restore ${point} to ${to} on ${host}`,
  });
  return ofThis(handle, input, to);
}

/** The same in place. What fails is not tried again. */
export async function startInPlace(
  client: Client,
  config: Pick<SiteConfig, 'plans'>,
  input: InPlaceInput,
): Promise<InPlaceHandle> {
  const { host, source, backup, data } = input;
  const handle = await client.workflow.start<InPlaceWorkflow>(IN_PLACE_TYPE, {
    ...startOf(input, data, [{ key: SOURCE, value: source }]),
    args: [{ ...input, waits: waitsOf(config) }],
    staticSummary: `restore ${backup.reference} in place of ${data} on ${host}`,
  });
  return ofThis(handle, input, data);
}

/** The same into a running server. What fails is not tried again. */
export async function startInto(
  client: Client,
  config: Pick<SiteConfig, 'plans'>,
  input: IntoInput,
): Promise<IntoHandle> {
  const { host, source } = input;
  const to = `database ${input.what.database} of ${serverText(input)}`;
  const handle = await client.workflow.start<IntoWorkflow>(INTO_TYPE, {
    ...startOf(input, to, [{ key: SOURCE, value: source }]),
    args: [{ ...input, waits: waitsOf(config) }],
    staticSummary: `restore ${whatText(input)} into ${serverText(input)} on ${host}`,
  });
  return ofThis(handle, input, to);
}

/** @param to what is restored to: of one there is one restore. */
function startOf(input: Asked, to: string, more: readonly SearchAttributePair[] = []) {
  const { site, host } = input;
  return {
    workflowId: restoreRunId({ site, host, to }),
    taskQueue: taskQueues(site, '').site,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [
      { key: SITE, value: site },
      { key: PLAN, value: RESTORE_PLAN },
      { key: HOST, value: host },
      ...more,
    ],
    memo: { asked: input },
  };
}

/** Of two restores to one folder there is one: whoever asks for the same joins it. */
async function ofThis<Handle extends RestoreHandle | InPlaceHandle | IntoHandle | PointHandle>(
  handle: Handle,
  input: Asked,
  to: string,
): Promise<Handle> {
  const id = handle.workflowId;
  const { memo } = await handle.describe();
  if (isDeepStrictEqual(memo?.['asked'], input)) return handle;
  throw new BackupError('busy', `another restore to ${to} on ${input.host} goes on: ${id}`, {
    remedy: `Wait for its end, or end it: mosaic-backup runs cancel ${id}. Or restore to another folder.`,
    facts: { run: id },
  });
}

export interface FollowRestore {
  /** Cancels it: what it has half made is removed. */
  readonly signal: AbortSignal;
  /** @param step the id of the step that it is of. */
  readonly progress: (report: ProgressReport, step: string) => void;
  /** Called with what goes wrong while it goes on. */
  readonly onFailed: (message: string) => void;
}

/** The worker restores on, whatever becomes of the Temporal that it was watched on. */
function unlessLost(error: unknown, run: string): unknown {
  if (!isUnanswered(error)) return error;
  return new BackupError('unreachable', `Temporal does not answer any more: how ${run} fares cannot be said.`, {
    remedy:
      'Its worker may be at work still. The same command joins it once Temporal is back; with --direct it is restored without, once that worker has ended.',
    facts: { run },
    cause: error,
  });
}

function isUnanswered(error: unknown): boolean {
  return error instanceof ServiceError || isGrpcServiceError(error);
}

/** Also what a workflow is asked that has not begun, or that Temporal has lost: its end is told by its result. */
function isOfTemporal(error: unknown): boolean {
  return (
    isUnanswered(error) ||
    error instanceof QueryNotRegisteredError ||
    error instanceof QueryRejectedError ||
    error instanceof WorkflowNotFoundError
  );
}

const LOOK = 500;
/** Milliseconds of silence that are said. */
const SILENT = 10_000;

const LEFT_TO_HOST =
  'its worker is away: what it has begun is taken back when that is there again, whether or not it is waited for';

/** temporal.api.enums.v1.PendingActivityState: nobody has taken it. */
const SCHEDULED = 1;

function isLeftToHost({ activityId, state }: { readonly activityId?: string | null; readonly state?: unknown }) {
  return activityId === TAKE_BACK && Number(state) === SCHEDULED;
}

/** Watches it to its end. @throws BackupError `aborted` when it was cancelled; whatever it ended without a report by. */
export async function followRestore<Run extends RestoreWorkflows>(
  handle: WorkflowHandleWithFirstExecutionRunId<Run>,
  options: FollowRestore,
): Promise<WorkflowResultType<Run>> {
  const { signal, progress, onFailed } = options;
  const cancel = (): void =>
    void handle.cancel().catch((error: unknown) => onFailed(`it could not be cancelled and goes on: ${String(error)}`));
  signal.addEventListener('abort', cancel, { once: true });
  const ended = new AbortController();
  const looking = look();
  // What it fails with is thrown at the end, since the restore goes on.
  looking.catch(() => undefined);
  try {
    return await handle.result();
  } catch (error) {
    throw unlessLost(runError(error, handle.workflowId), handle.workflowId);
  } finally {
    ended.abort();
    signal.removeEventListener('abort', cancel);
    await looking;
  }

  async function look(): Promise<void> {
    let said = '';
    const begun = Date.now();
    while (!ended.signal.aborted) {
      try {
        const { raw } = await handle.describe();
        const pending = raw.pendingActivities ?? [];
        for (const one of pending) {
          const { phase, bytes, total } = stepProgress(one);
          if (phase) progress({ phase, bytes: bytes ?? 0, total, activity: 0 }, one.activityId ?? '');
        }
        if (pending.some(isLeftToHost) && said !== LEFT_TO_HOST && Date.now() - begun > SILENT)
          onFailed((said = LEFT_TO_HOST));
        if (pending.length === 0) {
          const { steps } = await handle.query(runGraph);
          const why = steps.find(({ state }) => state === 'waiting')?.error?.message;
          if (why !== undefined && why !== said) onFailed(`it failed, and is tried again: ${(said = why)}`);
        }
      } catch (error) {
        if (!isOfTemporal(error)) throw error;
        // Nobody answers just now: the next look tells.
        if (said === '' && Date.now() - begun > SILENT)
          onFailed(
            (said = 'no worker answers; it goes on when one does (^C, and the same with --direct: without one)'),
          );
      }
      await pause(LOOK, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  }
}
