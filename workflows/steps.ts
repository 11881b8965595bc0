/** The activities as workflows call them: which queue, how long, and how often each is tried again. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { CoordinationActivities } from '../activities/coordination.ts';
import { taskQueues, type StepInput, type Waits } from '../model/run.ts';

/** Reading the config: nothing is known yet, so these waits are fixed. A coordinator that restarts is worth an hour. */
export function planning(site: string) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '1h',
    // A coordinator that dies meanwhile is noticed by its silence, not only after the minute.
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  });
}

/** Writing the report of a run: as patient as its verification. */
export function reporting(site: string, waits: Waits) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: waits.verifyDeadline,
    heartbeatTimeout: waits.heartbeat,
    retry: retries(waits),
  });
}

/** Long steps on the source's host, tried again with growing waits until `deadline`; silence means that the worker died. */
export function hostSteps(site: string, { step, waits }: StepInput, deadline: number) {
  return proxyActivities<BackupActivities>({
    taskQueue: taskQueues(site, step.host).host,
    scheduleToCloseTimeout: deadline,
    heartbeatTimeout: waits.heartbeat,
    // A cancelled run ends only when its steps have ended their children and cleaned up.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: retries(waits),
  });
}

function retries(waits: Waits) {
  return { initialInterval: waits.retryFirst, backoffCoefficient: 2, maximumInterval: waits.retryMax };
}
