/** One run of a plan from start to report, with live progress and clean cancellation. */
import { setTimeout as pause } from 'node:timers/promises';
import type { PlanInput, RunReport } from '../../model/run.ts';
import type { Session } from './session.ts';
import { PLAN_TYPES, RESTORE_TYPES, ROTATION_TYPE, startRun } from './start.ts';
import { watchRun, type WatchOptions } from './watch.ts';

export interface RunPlanOptions extends WatchOptions {
  readonly session: Session;
  readonly input: PlanInput;
  /** Aborted by ^C: the run is cancelled and its steps clean up; what is sealed stays. */
  readonly signal: AbortSignal;
}

/**
 * Runs a plan and waits for its end.
 * @throws BackupError `aborted` when it was cancelled, `unreachable` when the own Temporal or worker broke, or another one stays away.
 */
export async function runPlan({ session, input, signal, ...watch }: RunPlanOptions): Promise<RunReport> {
  signal.throwIfAborted();
  const handle = await startRun(session.client, input);
  const cancel = (): void => void handle.cancel().catch(watch.onCancelFailed);
  signal.addEventListener('abort', cancel, { once: true });
  // Of an own Temporal that has ended nobody waits for an answer.
  const over = new AbortController();
  try {
    return await Promise.race([watchRun(session.client, handle, { ...watch, signal: over.signal }), session.broken]);
  } finally {
    over.abort();
    signal.removeEventListener('abort', cancel);
  }
}

/**
 * Waits until no run is open on an own Temporal: another command may have found it and rely on it, or a run that
 * was cut off earlier goes on here. Ends early when `signal` is aborted.
 */
export async function othersEnded(
  { client }: Session,
  own: string,
  signal: AbortSignal,
  onWait: (count: number) => void,
): Promise<void> {
  const types = [...PLAN_TYPES, ROTATION_TYPE, ...RESTORE_TYPES].map((type) => `'${type}'`);
  for (;;) {
    // The own run is left out: the list of open runs lags behind its end.
    const { count } = await client.workflow.count(
      `WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = 'Running' AND WorkflowId != '${own}'`,
    );
    if (count === 0 || signal.aborted) return;
    onWait(count);
    await pause(1000, undefined, { signal }).catch(() => undefined);
  }
}

/** Address of a run in the Web UI; null where its address is not known. */
export function runAddress({ endpoint }: Session, workflowId: string): string | null {
  if (endpoint.ui === null) return null;
  return `${endpoint.ui}/namespaces/${encodeURIComponent(endpoint.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
