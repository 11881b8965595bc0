/** One host's worker: its queues, its activities, its connection. The composition root. */
import { NativeConnection, Worker, type NativeConnectionOptions, type WorkerOptions } from '@temporalio/worker';
import { backupActivities } from '../activities/backup.ts';
import { coordinationActivities } from '../activities/coordination.ts';
import { rotationActivities } from '../activities/key-rotation.ts';
import { shortActivities } from '../activities/short.ts';
import type { Site } from '../activities/site.ts';
import type { Logger } from '../activities/work.ts';
import { BackupError } from '../model/errors.ts';
import { taskQueues } from '../model/run.ts';
import { workflowBundle } from './bundle.ts';
import { installRuntime } from './runtime.ts';

export interface WorkerSettings {
  readonly connection: NativeConnectionOptions;
  readonly namespace: string;
  /** Reads the config anew. */
  readonly openSite: () => Promise<Site>;
  readonly log: Logger;
  /** Long steps at once on this host. */
  readonly concurrency?: number;
  /** How long running steps may take to end at shutdown, in milliseconds. */
  readonly shutdownGrace?: number;
}

export interface RunningWorker {
  /** Ends when the worker has stopped. Rejects when a queue's worker failed. */
  readonly stopped: Promise<void>;
  /** Asks all queues to stop: running steps are cancelled after their grace. */
  stop(): Promise<void>;
}

/** Captures beside each other on one host: more would only slow each other down. */
const DEFAULT_CONCURRENCY = 4;

/**
 * Connects and polls this host's queues.
 * @throws BackupError `unreachable` when Temporal does not answer.
 */
export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  installRuntime(settings.log);
  const site = await settings.openSite();
  const queues = taskQueues(site.config.site, site.host);
  const [connection, codePath] = await Promise.all([connect(settings.connection), workflowBundle()]);
  const common = {
    connection,
    namespace: settings.namespace,
    shutdownGraceTime: settings.shutdownGrace ?? 1000,
    shutdownForceTime: (settings.shutdownGrace ?? 1000) + 10_000,
  } satisfies Partial<WorkerOptions>;
  const coordinates = (site.config.coordinator ?? site.host) === site.host;
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: queues.site,
      workflowBundle: { codePath },
      // A worker that died still has its runs waiting for it: the default would hold each of them up for 10 s.
      stickyQueueScheduleToStartTimeout: 2000,
      ...(coordinates ? { activities: coordinationActivities(settings.openSite) } : {}),
    }),
    Worker.create({
      ...common,
      taskQueue: queues.host,
      activities: { ...backupActivities(settings.openSite), ...rotationActivities(settings.openSite) },
      maxConcurrentActivityTaskExecutions: settings.concurrency ?? DEFAULT_CONCURRENCY,
      // Progress is wanted every second, and a cancellation travels with a heartbeat.
      maxHeartbeatThrottleInterval: 1000,
      defaultHeartbeatThrottleInterval: 1000,
    }),
    Worker.create({
      ...common,
      taskQueue: queues.short,
      activities: { ...shortActivities(settings.openSite) },
      maxHeartbeatThrottleInterval: 1000,
      defaultHeartbeatThrottleInterval: 1000,
    }),
  ]);
  const stopped = run(workers, connection);
  return {
    stopped,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped;
    },
  };
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
