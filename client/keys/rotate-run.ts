/** A rotation as a workflow: started or joined, followed to its end, paused and continued. */
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { isDeepStrictEqual } from 'node:util';
import { BackupError } from '../../model/errors.ts';
import type { RotationInput, RotationReport } from '../../model/rotation.ts';
import { taskQueues } from '../../model/run.ts';
import { pauseRotation, rotationStatus } from '../../workflows/messages.ts';
import type { RotationRun } from '../../workflows/rotate-keys.ts';
import { PLAN, SITE } from '../../workflows/search-attributes.ts';
import { keepLooking, type FollowOptions } from '../runs/looking.ts';
import { ROTATION_TYPE } from '../runs/start.ts';
import { runError } from '../runs/watch.ts';

type RotationWorkflow = (run: RotationRun) => Promise<RotationReport>;
export type RotationHandle = WorkflowHandle<RotationWorkflow>;

/** Backups in a page, which ends earlier where they take long. */
export const PAGE_SIZE = 5000;
/** A page is some six events: far below what makes a history slow. */
const STEPS_PER_RUN = 250;

/** One rotation a site at a time. */
export function rotationId(site: string): string {
  return `rotate-keys/${site}`;
}

/** @throws BackupError `busy` when another rotation, of other places or identities, is under way. */
export async function startRotation(
  client: Client,
  input: RotationInput,
  { pageSize = PAGE_SIZE, stepsPerRun = STEPS_PER_RUN } = {},
): Promise<RotationHandle> {
  const asked = { ...input, identities: [...input.identities], place: input.place ?? null };
  const handle = await client.workflow.start<RotationWorkflow>(ROTATION_TYPE, {
    workflowId: rotationId(input.site),
    taskQueue: taskQueues(input.site, '').site,
    args: [{ ...input, pageSize, stepsPerRun }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [
      { key: SITE, value: input.site },
      { key: PLAN, value: 'rotate-keys' },
    ],
    staticSummary: `rotation of the keys of ${input.site}`,
    memo: { asked },
  });
  const { memo } = await handle.describe();
  if (isDeepStrictEqual(memo?.['asked'], asked)) return handle;
  throw new BackupError(
    'busy',
    'A rotation of other places, or with other identities, is under way on this Temporal.',
    {
      remedy: 'See it with `mosaic-backup keys rotate --status`, and wait for its end.',
    },
  );
}

/** The rotation that is open, or the last one. @throws BackupError `not-found`. */
export async function rotationNow(client: Client, site: string): Promise<RotationReport> {
  const handle = client.workflow.getHandle<RotationWorkflow>(rotationId(site));
  try {
    const { status } = await handle.describe();
    return await (status.name === 'COMPLETED' ? handle.result() : handle.query(rotationStatus));
  } catch (error) {
    throw named(error);
  }
}

export async function setPaused(client: Client, site: string, paused: boolean): Promise<void> {
  try {
    await client.workflow.getHandle(rotationId(site)).signal(pauseRotation, paused);
  } catch (error) {
    throw named(error);
  }
}

/** Waits for its end; ^C cancels it: what is written anew stays so. */
export async function followRotation(
  handle: RotationHandle,
  { signal, broken, interval, onProgress }: FollowOptions<RotationReport>,
): Promise<RotationReport> {
  const ended = new AbortController();
  const cancel = (): void => void handle.cancel().catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  const result = handle.result().finally(() => ended.abort());
  const ask = () => handle.query(rotationStatus);
  const looking = keepLooking({ ask, onProgress, interval, signal: ended.signal });
  try {
    return await Promise.race([result, broken]);
  } catch (error) {
    throw runError(error, handle.workflowId);
  } finally {
    signal.removeEventListener('abort', cancel);
    ended.abort();
    await looking;
  }
}

function named(error: unknown): unknown {
  if (!(error instanceof WorkflowNotFoundError)) return error;
  return new BackupError('not-found', 'No rotation of keys is under way on this Temporal.', {
    remedy: 'Start one with `mosaic-backup keys rotate`.',
    cause: error,
  });
}
