/** The activities as workflows call them: which queue, how long, and how often each is tried again. */
import { proxyActivities } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { CoordinationActivities } from '../activities/coordination.ts';
import { taskQueues, type StepInput, type Waits } from '../model/run.ts';

/** Reading the config and writing the report: quick, on the coordinator, and worth waiting for it. */
export function coordination(site: string) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '1h',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  });
}

/** Long steps on the source's host, tried again with growing waits until `deadline`; silence means that the worker died. */
export function hostSteps(site: string, { step, waits }: StepInput, deadline: number) {
  return proxyActivities<BackupActivities>({
    taskQueue: taskQueues(site, step.host).host,
    scheduleToCloseTimeout: deadline,
    heartbeatTimeout: waits.heartbeat,
    retry: retries(waits),
  });
}

function retries(waits: Waits) {
  return { initialInterval: waits.retryFirst, backoffCoefficient: 2, maximumInterval: waits.retryMax };
}
