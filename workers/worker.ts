/** One host's worker: its queues, its activities, its connection. The composition root. */
import { NativeConnection, Worker, type NativeConnectionOptions } from '@temporalio/worker';
import { availableParallelism } from 'node:os';
import { temporalCredentials } from '../activities/config/temporal-credentials.ts';
import { backupActivities, copyActivities, type OfClient } from '../activities/backup.ts';
import { coordinationActivities } from '../activities/coordination.ts';
import { sweepLeft } from '../activities/operations/sweep-left.ts';
import { rotationActivities } from '../activities/key-rotation.ts';
import { patiently } from '../activities/config/open-again.ts';
import { shortActivities } from '../activities/short.ts';
import type { Site } from '../activities/site.ts';
import type { Logger } from '../activities/work.ts';
import { coordinatorOf, workerOf } from '../model/config/hosts.ts';
import { BackupError } from '../model/errors.ts';
import { taskQueues } from '../model/run.ts';
import { workflowBundle } from './bundle.ts';
import { startCanaries } from './canaries.ts';
import { claimHost } from './claim.ts';
import { freePort, HOST } from './loopback.ts';
import { serveMetrics } from './metrics.ts';
import { installRuntime } from './runtime.ts';

export interface WorkerSettings extends OfClient {
  readonly connection: NativeConnectionOptions;
  readonly namespace: string;
  /** Reads the config anew. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
}

export interface RunningWorker {
  /** Ends when the worker has stopped. Rejects when a queue's worker failed. */
  readonly stopped: Promise<void>;
  /** Asks all queues to stop: short steps have their grace, long ones are handed back at once. */
  stop(): Promise<void>;
}

/** Copies that wait for their turn at a destination cost next to nothing; how many go there is the destination's to say. */
const COPIES = 200;
/** Requests that wait for steps of a queue: one for each partition that a cluster has of it, since each is open at the server all the time. */
const POLLERS = 4;
/** Milliseconds that steps have after their grace, to end their programs and clean up, before nobody waits for them any more. */
const CLEANING_UP = 30_000;

/**
 * Claims the host, connects and polls its queues.
 * @throws BackupError `unreachable` when Temporal does not answer; `refused` or `busy` when the config does not fit this
 * machine, or a worker of the host runs on it.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const site = await settings.openSite();
  const undo = new AsyncDisposableStack();
  try {
    const claim = await claimHost(site);
    undo.defer(() => claim.release());
    await sweepLeft(site, settings.log);
    await openMetrics(site, settings, undo);
    const canaries = startCanaries(settings);
    undo.defer(() => canaries.stop());
    const { connection, workers } = await createWorkers(site, settings);
    const stop = () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    // What it still does is dropped at the seals.
    claim.lost.catch(stop);
    const stopped = serve();
    return {
      stopped,
      stop: async () => {
        stop();
        await stopped;
      },
    };

    async function serve(): Promise<void> {
      try {
        await run(workers, connection);
        claim.requireHeld();
      } finally {
        await undo.disposeAsync();
      }
    }
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

async function openMetrics(site: Site, { openSite, log }: WorkerSettings, undo: AsyncDisposableStack): Promise<void> {
  const { listen } = workerOf(site.config, site.host, availableParallelism());
  const sdk = installRuntime(log, listen === null ? null : `${HOST}:${await freePort(0)}`);
  if (listen === null) return;
  try {
    const metrics = await serveMetrics({ listen, sdk, openSite, log });
    undo.defer(() => metrics.close());
    log.info({ address: `http://${listen}/metrics` }, 'metrics');
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    // No backup is left out for that; whoever scrapes notices that nobody answers.
    log.warn({ code: error.code, remedy: error.remedy }, error.message);
  }
}

async function createWorkers(
  site: Site,
  { connection: options, namespace, commandLine, withSchedules, ...settings }: WorkerSettings,
): Promise<{ readonly connection: NativeConnection; readonly workers: readonly Worker[] }> {
  const openSite = patiently(settings.openSite);
  const { config, host } = site;
  const { captures, grace } = workerOf(config, host, availableParallelism());
  const queues = taskQueues(config.site, host);
  const credentials = await temporalCredentials(site);
  const [connection, codePath] = await Promise.all([connect({ ...options, ...credentials }), workflowBundle()]);
  // Progress is wanted every second, and a cancellation travels with a heartbeat.
  const everySecond = { maxHeartbeatThrottleInterval: 1000, defaultHeartbeatThrottleInterval: 1000 };
  const short = {
    connection,
    namespace,
    shutdownGraceTime: grace,
    shutdownForceTime: grace + CLEANING_UP,
    maxConcurrentActivityTaskPolls: POLLERS,
    ...everySecond,
  };
  // Handed back at once: they would take longer than anybody waits for a machine to shut down.
  const long = { ...short, shutdownGraceTime: 0 };
  const coordinates = coordinatorOf(config) === host;
  const workers = await Promise.all([
    Worker.create({
      ...short,
      taskQueue: queues.site,
      workflowBundle: { codePath },
      // A worker that died still has its runs waiting for it: the default would hold each of them up for 10 s.
      stickyQueueScheduleToStartTimeout: 2000,
      ...(coordinates ? { activities: coordinationActivities(openSite) } : {}),
    }),
    Worker.create({
      ...long,
      taskQueue: queues.host,
      // Copies too: runs that an older version began have theirs here.
      activities: { ...backupActivities(openSite, { commandLine, withSchedules }), ...rotationActivities(openSite) },
      maxConcurrentActivityTaskExecutions: captures,
    }),
    Worker.create({
      ...long,
      taskQueue: queues.copies,
      activities: { ...copyActivities(openSite) },
      maxConcurrentActivityTaskExecutions: COPIES,
    }),
    Worker.create({
      ...short,
      taskQueue: queues.short,
      activities: { ...shortActivities(openSite, { withSchedules }) },
    }),
  ]);
  return { connection, workers };
}

async function run(workers: readonly Worker[], connection: NativeConnection): Promise<void> {
  try {
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    await connection.close();
  }
}

async function connect(options: NativeConnectionOptions): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options);
  } catch (error) {
    throw new BackupError('unreachable', `Temporal does not answer at ${options.address ?? 'its default address'}`, {
      remedy: 'Start it, or look at "temporal" in the config.',
      cause: error,
    });
  }
}
