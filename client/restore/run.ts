/** A restore as a workflow: started or joined, watched, cancelled. */
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ProgressReport } from '../../activities/work.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import type { RestoreInput, RestoreReport, RestoreRun, RestoreWaits } from '../../model/restore-run.ts';
import { taskQueues } from '../../model/run.ts';
import { runGraph } from '../../workflows/messages.ts';
import { HOST, PLAN, SITE, SOURCE } from '../../workflows/search-attributes.ts';
import { RESTORE_TYPE } from '../runs/start.ts';
import { runError, stepProgress } from '../runs/watch.ts';

type RestoreWorkflow = (run: RestoreRun) => Promise<RestoreReport>;
export type RestoreHandle = WorkflowHandleWithFirstExecutionRunId<RestoreWorkflow>;

/** Milliseconds that what fails is tried again: somebody waits for it. A worker that died, and is back, goes on. */
const DEADLINE = 600_000;

/** As the daily plan has them. */
function waitsOf({ plans: { daily } }: Pick<SiteConfig, 'plans'>): RestoreWaits {
  const { retryFirst, retryMax, heartbeat, standstill } = daily;
  return { deadline: DEADLINE, retryFirst, retryMax, heartbeat, standstill };
}

/** Of two restores to one folder of a host there is one. */
export function restoreRunId({ site, host, to }: RestoreInput): string {
  return `restore/${site}/${host}/${createHash('sha256').update(to).digest('hex').slice(0, 16)}`;
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
  const { site, host, source, backup, to } = input;
  const id = restoreRunId(input);
  const handle = await client.workflow.start<RestoreWorkflow>(RESTORE_TYPE, {
    workflowId: id,
    taskQueue: taskQueues(site, '').site,
    args: [{ ...input, waits: waitsOf(config), ...(once && { once }) }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [
      { key: SITE, value: site },
      { key: PLAN, value: 'restore' },
      { key: SOURCE, value: source },
      { key: HOST, value: host },
    ],
    staticSummary: `restore ${backup.reference} to ${to} on ${host}`,
    memo: { asked: input },
  });
  const { memo } = await handle.describe();
  if (isDeepStrictEqual(memo?.['asked'], input)) return handle;
  throw new BackupError('busy', `another restore to ${to} on ${host} goes on: ${id}`, {
    remedy: `Wait for its end, or end it: mosaic-backup runs cancel ${id}. Or restore to another folder.`,
    facts: { run: id },
  });
}

export interface FollowRestore {
  /** Cancels it: what it has half made is removed. */
  readonly signal: AbortSignal;
  readonly progress: (report: ProgressReport) => void;
  /** Called with what goes wrong while it goes on. */
  readonly onFailed: (message: string) => void;
}

const LOOK = 500;
/** Milliseconds of silence that are said. */
const SILENT = 10_000;

/** Watches it to its end. @throws BackupError `aborted` when it was cancelled; whatever it ended without a report by. */
export async function followRestore(handle: RestoreHandle, options: FollowRestore): Promise<RestoreReport> {
  const { signal, progress, onFailed } = options;
  const cancel = (): void =>
    void handle.cancel().catch((error: unknown) => onFailed(`it could not be cancelled and goes on: ${String(error)}`));
  signal.addEventListener('abort', cancel, { once: true });
  const ended = new AbortController();
  const looking = look();
  try {
    return await handle.result();
  } catch (error) {
    throw runError(error, handle.workflowId);
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
        const [step] = (raw.pendingActivities ?? []).map(stepProgress);
        if (step?.phase) progress({ phase: step.phase, bytes: step.bytes ?? 0, total: step.total, activity: 0 });
        if (step === undefined) {
          const { steps } = await handle.query(runGraph);
          const why = steps.find(({ state }) => state === 'waiting')?.error?.message;
          if (why !== undefined && why !== said) onFailed(`it failed, and is tried again: ${(said = why)}`);
        }
      } catch {
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
