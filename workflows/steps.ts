/** The activities as workflows call them: which queue, how long, and how often each is tried again. */
import { ActivityCancellationType, ActivityFailure, ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup.ts';
import type { CoordinationActivities } from '../activities/coordination.ts';
import type { RotationActivities } from '../activities/key-rotation.ts';
import type { ShortActivities } from '../activities/short.ts';
import type { DeliveryInput } from '../model/catch-up.ts';
import type { LogsInput } from '../model/logs-run.ts';
import type { RotationWaits } from '../model/rotation.ts';
import { taskQueues, type StepInput, type Waits } from '../model/run.ts';
import type { ThawInput, ThawWaits } from '../model/thaw.ts';

/** One attempt that is at work may take so long, in milliseconds: a daily plan is due again then. Its streams' standstill ends it sooner. */
const LONGEST = 23 * 3_600_000;
const TEN_MINUTES = 600_000;
const HOUR = 3_600_000;

/** Milliseconds that one attempt may take at most. @param until milliseconds since the epoch, when it must have ended. */
function atMost(longest: number, until: number | undefined): number {
  return until === undefined ? longest : Math.max(1000, Math.min(longest, until - Date.now()));
}

/** Reading the config: nothing is known yet, so these waits are fixed; how long it is tried its caller says (`plannedRun`). */
export function planning(site: string) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '1m',
    // A coordinator that dies meanwhile is noticed by its silence, not only after the minute.
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  });
}

/**
 * Writing the report of a run, one attempt: the workflow tries again, and asks for the coordinator where nobody takes it.
 * @param until as `atMost`.
 */
export function reporting(site: string, waits: Pick<Waits, 'heartbeat'>, left: number, until: number | undefined) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    scheduleToStartTimeout: Math.min(left, ANSWER),
    // To every destination, one of which may be slow.
    startToCloseTimeout: atMost(TEN_MINUTES, until),
    heartbeatTimeout: waits.heartbeat,
    retry: ONCE,
  });
}

/** Hooks of a plan: each has a time limit of its own. */
export function planHooks(site: string, waits: Waits, left: number) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    scheduleToStartTimeout: Math.min(left, ANSWER),
    startToCloseTimeout: LONGEST,
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: ONCE,
  });
}

/** What a step on a host needs to be known of. */
interface OnHost extends Pick<StepInput, 'until'> {
  readonly step: Pick<StepInput['step'], 'host'>;
  readonly waits: Pick<Waits, 'heartbeat'>;
}

/**
 * Long steps on the source's host, one attempt each: the workflow tries again (`step-runner.ts`). One that is well at work
 * when the step's deadline passes goes on. Silence means that the worker died.
 * @param left milliseconds until the deadline: so long an attempt may stand in the queue behind others.
 */
export function hostSteps(site: string, { step, waits, until }: OnHost, left: number) {
  return proxyActivities<BackupActivities>({
    taskQueue: taskQueues(site, step.host).host,
    scheduleToStartTimeout: left,
    startToCloseTimeout: atMost(LONGEST, until),
    heartbeatTimeout: waits.heartbeat,
    // A cancelled run ends only when its steps have ended their children and cleaned up.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: ONCE,
  });
}

/** What is to come after an attempt to capture, on the host's short queue: nothing may stand before it. Each hook has a time limit of its own. */
export function releaseSteps(site: string, { step, waits }: StepInput, left: number) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, step.host).short,
    scheduleToStartTimeout: left,
    startToCloseTimeout: LONGEST,
    heartbeatTimeout: waits.heartbeat,
    retry: ONCE,
  });
}

/** For so long the worker of a host is waited for that is to take back what it has begun, in milliseconds: by then somebody has seen to it by hand. */
const A_DAY = 24 * HOUR;

/** What a cancelled run has left half done is taken back, on the host's short queue: a server may be stopped meanwhile. */
export function takingBack(site: string, host: string, waits: Pick<Waits, 'heartbeat' | 'retryFirst' | 'retryMax'>) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, host).short,
    scheduleToCloseTimeout: A_DAY,
    heartbeatTimeout: waits.heartbeat,
    retry: retries(waits),
  });
}

/** As `hostSteps`, on the host's short queue: no capture may stand before what somebody waits for. */
export function shortSteps(site: string, { step, waits }: OnHost, left: number) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, step.host).short,
    scheduleToStartTimeout: left,
    startToCloseTimeout: LONGEST,
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: ONCE,
  });
}

/** Copies: as `hostSteps`, on the host's queue of copies. What waits there for its turn at a destination takes no capture's slot. */
export function copySteps(site: string, { step, waits, until }: StepInput, left: number) {
  return proxyActivities<BackupActivities>({
    taskQueue: taskQueues(site, step.host).copies,
    scheduleToStartTimeout: left,
    startToCloseTimeout: atMost(LONGEST, until),
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: ONCE,
  });
}

/** Retention on a host: what it does not get done the next run does. It must not hold that up. */
export function retentionSteps(site: string, host: string, waits: Waits, until: number | undefined) {
  return proxyActivities<BackupActivities>({
    taskQueue: taskQueues(site, host).host,
    scheduleToStartTimeout: TEN_MINUTES,
    startToCloseTimeout: HOUR,
    scheduleToCloseTimeout: atMost(3 * HOUR, until),
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { ...retries(waits), maximumAttempts: 3 },
  });
}

/** So long a host that is there may take to take what nothing long stands before, in milliseconds. */
export const ANSWER = 10_000;

/** A frozen worker takes questions as well, one with each of its open polls: soon another one must be asked. */
const ANSWERED = '3s';

/**
 * Whether a host is there is asked on its short queue, where no long capture stands before the question. Resolves when its worker
 * has answered; rejects when nobody has taken the question within so many milliseconds, or taken it and not answered.
 */
export function reachHost(site: string, host: string): (within: number) => Promise<unknown> {
  const summary = `reach the worker of ${host}`;
  return (within) =>
    proxyActivities<ShortActivities>({
      taskQueue: taskQueues(site, host).short,
      scheduleToStartTimeout: within,
      startToCloseTimeout: ANSWERED,
      retry: ONCE,
    }).ping.executeWithOptions({ summary }, []);
}

/** Who does the steps of a run that only the coordinator does, for `StepPolicy`. */
export function coordinator(site: string) {
  return { name: null, first: false, reach: reachCoordinator(site), sameQueue: true, patch: 'asks-the-coordinator' };
}

/** The same of the coordinator, whichever host that is: it alone takes activities from the queue of the site. */
function reachCoordinator(site: string): (within: number) => Promise<unknown> {
  const summary = 'reach the worker of the coordinator';
  return async (within) => {
    try {
      return await proxyActivities<CoordinationActivities>({
        taskQueue: taskQueues(site, '').site,
        scheduleToStartTimeout: within,
        startToCloseTimeout: ANSWERED,
        retry: ONCE,
      }).ping.executeWithOptions({ summary }, []);
    } catch (error) {
      // One of an older version has no such activity. That it says so is an answer.
      if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) return undefined;
      throw error;
    }
  };
}

/** Planning of a tick: nothing is known yet, and the next one comes soon. */
export function tickPlanning(site: string) {
  return proxyActivities<CoordinationActivities>({
    taskQueue: taskQueues(site, '').site,
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '1m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 3 },
  });
}

/** Beyond its deadline, which the step itself looks at, it has so long to clean up and say what it did, in milliseconds. */
const GRACE = 20_000;

/**
 * The one step of a source in a tick, on the host's short queue. It fails by itself at its deadline and then says so
 * in its result; only a worker that died makes a second attempt.
 */
export function tickSteps(site: string, { step, waits }: LogsInput) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, step.host).short,
    scheduleToStartTimeout: waits.workerDeadline,
    startToCloseTimeout: step.deadline + GRACE,
    scheduleToCloseTimeout: waits.workerDeadline + step.deadline + GRACE,
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: waits.retryFirst, maximumAttempts: 2 },
  });
}

/** Planning of a rotation, on the host where the identities are: what it lacks is said at once. */
export function rotationPlanning(site: string, host: string) {
  return proxyActivities<RotationActivities>({
    taskQueue: taskQueues(site, host).host,
    startToCloseTimeout: '1m',
    scheduleToCloseTimeout: '5m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 5 },
  });
}

/** A place that is away is tried a few times and then left to the next rotation: it holds the others up no longer. */
const ROTATION_ATTEMPTS = 4;

/** Pages and restores of a rotation, on the host of the place. */
export function rotationSteps(site: string, host: string, { retryFirst, retryMax, heartbeat }: RotationWaits) {
  return proxyActivities<RotationActivities>({
    taskQueue: taskQueues(site, host).host,
    scheduleToStartTimeout: '10m',
    startToCloseTimeout: LONGEST,
    heartbeatTimeout: heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: retryFirst,
      backoffCoefficient: 2,
      maximumInterval: retryMax,
      maximumAttempts: ROTATION_ATTEMPTS,
    },
  });
}

/**
 * The one step of a delivery, on the host's short queue: it may take hours, and must neither wait for captures nor keep
 * them waiting. It ends by itself; only a worker that died makes a second attempt.
 */
export function deliverySteps(site: string, { step, waits }: DeliveryInput) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, step.host).short,
    scheduleToStartTimeout: waits.workerDeadline,
    startToCloseTimeout: LONGEST,
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: waits.retryFirst, maximumAttempts: 2 },
  });
}

/** A place that is away is tried a few times; the next look of the wait is as good. */
const THAW_ATTEMPTS = 4;

/** Looks of a thaw, on the host that asked for it: on its short queue, since many objects alone make one take long. */
export function thawSteps({ site, host }: ThawInput, waits: ThawWaits) {
  return proxyActivities<ShortActivities>({
    taskQueue: taskQueues(site, host).short,
    scheduleToStartTimeout: '10m',
    startToCloseTimeout: '1h',
    heartbeatTimeout: waits.heartbeat,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { ...retries(waits), maximumAttempts: THAW_ATTEMPTS },
  });
}

/** The workflow itself tries again, so that it can show what waits, and let somebody decide. */
export const ONCE = { maximumAttempts: 1 };

function retries(waits: Pick<Waits, 'retryFirst' | 'retryMax'>) {
  return { initialInterval: waits.retryFirst, backoffCoefficient: 2, maximumInterval: waits.retryMax };
}
