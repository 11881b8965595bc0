/** A thaw as a workflow: started or joined, watched, cancelled. */
import {
  isGrpcServiceError,
  ServiceError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { BackupError } from '../../model/errors.ts';
import { taskQueues } from '../../model/run.ts';
import { thawId, type ThawReport } from '../../model/thaw.ts';
import { thawStatus } from '../../workflows/messages.ts';
import { PLAN, SITE, SOURCE } from '../../workflows/search-attributes.ts';
import type { ThawRun } from '../../workflows/thaw-copy.ts';
import { keepLooking, type FollowOptions } from '../runs/looking.ts';
import { THAW_TYPE } from '../runs/start.ts';
import { runError } from '../runs/watch.ts';
import type { ThawPlan } from './plan.ts';

type ThawWorkflow = (run: ThawRun) => Promise<ThawReport>;
export type ThawHandle = WorkflowHandle<ThawWorkflow>;

/** A look is some ten events: far below what makes a history slow. */
const LOOKS_PER_RUN = 250;

/** Starts the wait, or joins the one of the same backup at the same place, whatever its speed: nothing is asked for twice. */
export async function startThaw(
  client: Client,
  { input, waits }: Pick<ThawPlan, 'input' | 'waits'>,
  { looksPerRun = LOOKS_PER_RUN } = {},
): Promise<ThawHandle> {
  const { site, destination, backup, speed } = input;
  const [, source = ''] = backup.reference.split('/');
  return client.workflow.start<ThawWorkflow>(THAW_TYPE, {
    workflowId: thawId(input),
    taskQueue: taskQueues(site, '').site,
    args: [{ ...input, waits, looksPerRun }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [
      { key: SITE, value: site },
      { key: PLAN, value: 'thaw' },
      { key: SOURCE, value: source },
    ],
    staticSummary: `thaw ${backup.reference} at ${destination} (${speed})`,
  });
}

/** As Temporal says it. A cancelled one tells itself how it stood. */
const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'TERMINATED', 'TIMED_OUT']);

/** Whether there is or was such a wait. */
export async function isKnown(client: Client, id: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(id).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How the one that is open stands, or how the last one ended. @throws BackupError `not-found`; what the last one failed with. */
export async function thawNow(client: Client, id: string): Promise<ThawReport> {
  const handle = client.workflow.getHandle<ThawWorkflow>(id);
  try {
    const { status } = await handle.describe();
    return await (ENDED.has(status.name) ? handle.result() : handle.query(thawStatus));
  } catch (error) {
    throw named(runError(error, id));
  }
}

/** Nobody waits any more. What was asked for cannot be taken back: it comes, and is paid for. @throws BackupError `not-found`. */
export async function cancelThaw(client: Client, id: string): Promise<void> {
  try {
    await client.workflow.getHandle(id).cancel();
  } catch (error) {
    throw named(error);
  }
}

/** Watches it to its end; null where watching was ended before: it goes on. @throws BackupError what it failed with; `aborted` when it was cancelled. */
export async function followThaw(handle: ThawHandle, options: FollowOptions<ThawReport>): Promise<ThawReport | null> {
  const { signal, broken, interval, onProgress } = options;
  const ended = new AbortController();
  const left = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const ask = () => handle.query(thawStatus);
  const looking = keepLooking({ ask, onProgress, interval, signal: ended.signal });
  try {
    // Waiting for the result is a request of up to 20 s, which would hold up the end of a command that only stops watching.
    const result = handle.client.withAbortSignal(ended.signal, () => handle.result());
    return await Promise.race([result, left, broken]);
  } catch (error) {
    throw unlessLost(runError(error, handle.workflowId));
  } finally {
    ended.abort();
    await looking;
  }
}

/** The wait outlives the Temporal that it was watched on, which another command may have lent. */
function unlessLost(error: unknown): unknown {
  if (!(error instanceof ServiceError) && !isGrpcServiceError(error)) return error;
  return new BackupError('unreachable', 'The Temporal on which it is waited for does not answer any more.', {
    remedy: 'What was asked for comes all the same. The same command joins the wait again, and asks for nothing twice.',
    cause: error,
  });
}

function named(error: unknown): unknown {
  if (!(error instanceof WorkflowNotFoundError)) return error;
  return new BackupError('not-found', 'No thaw of this backup is waited for on this Temporal.', {
    remedy: 'Start one with `mosaic-backup copies thaw`: what was asked for already is not asked for again.',
    cause: error,
  });
}
