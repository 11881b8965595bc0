/** The activities that tell whoever is to know, as workflows call them: the coordinator's, on the queue of the site. */
import type { Duration, RetryPolicy } from '@temporalio/common';
import { proxyActivities } from '@temporalio/workflow';
import type { CoordinationActivities } from '../activities/coordination.ts';
import { taskQueues } from '../model/run.ts';

const HOUR = 3_600_000;

/** Telling of alerts of ticks: what reached nobody is told with the next one. */
export function telling(site: string) {
  return tellingWithin(site, '1m', { initialInterval: '1s', maximumAttempts: 2 });
}

/**
 * Telling of alerts of logs: a hole and a lost slot are seen by the one tick alone, so a machine that restarts meanwhile is waited for. The
 * coordinator plans no other tick until then either.
 */
export function tellingOfLogs(site: string) {
  return tellingWithin(site, HOUR, { initialInterval: '1s', maximumAttempts: 2 });
}

/** Telling of alerts of runs, which nobody tells again: a coordinator that restarts is worth an hour. */
export function tellingOfRun(site: string) {
  return tellingWithin(site, HOUR, { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' });
}

function tellingWithin(site: string, scheduleToCloseTimeout: Duration, retry: RetryPolicy) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '40s',
    scheduleToCloseTimeout,
    heartbeatTimeout: '10s',
    retry,
  });
}
