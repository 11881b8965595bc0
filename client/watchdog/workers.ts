/** Whether a worker polls each queue that somebody of this host has to watch. */
import type { Client } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../../activities/site.ts';
import type { Condition } from '../../model/alert.ts';
import { coordinatorOf, hostNames } from '../../model/config/hosts.ts';
import { taskQueues } from '../../model/run.ts';
import { answeredBy } from './answered-by.ts';
import { isPolled, type QueueType } from '../temporal/pollers.ts';

interface Queue {
  readonly host: string;
  readonly queue: string;
  readonly type: QueueType;
}

/**
 * The queues of a site, by the host whose worker polls them. The coordinator watches all; any other host itself and the
 * coordinator, so that each is watched by somebody else.
 */
export function queuesToWatch({ config, host }: Pick<Site, 'config' | 'host'>): readonly Queue[] {
  const coordinator = coordinatorOf(config);
  const hosts = host === coordinator ? hostNames(config) : [coordinator, host];
  const { site } = taskQueues(config.site, coordinator);
  // Every worker takes workflows, but only the coordinator plans and reports.
  const common: readonly Queue[] = [
    { host: coordinator, queue: site, type: 'workflow' },
    { host: coordinator, queue: site, type: 'activity' },
  ];
  const own = hosts.flatMap((of) => {
    const { site: _, ...queues } = taskQueues(config.site, of);
    return Object.values(queues).map((queue): Queue => ({ host: of, queue, type: 'activity' }));
  });
  return [...common, ...own];
}

/** @param until milliseconds since the epoch: a worker that just starts is waited for. */
export async function workersConditions(
  site: Site,
  client: Client,
  namespace: string,
  until: number,
): Promise<readonly Condition[]> {
  const queues = queuesToWatch(site);
  for (;;) {
    const polled = await answeredBy(client, until, () =>
      Promise.all(queues.map((of) => isPolled(client, namespace, of))),
    );
    const missing = queues.filter((_, index) => polled[index] === false);
    if (missing.length === 0 || Date.now() > until) return byHost(missing);
    await pause(500);
  }
}

/** A host whose worker is gone is one thing, however many queues it has. */
function byHost(missing: readonly Queue[]): readonly Condition[] {
  return [...Map.groupBy(missing, ({ host }) => host)].map(([host, queues]) => {
    const names = [...new Set(queues.map(({ queue }) => queue))];
    return {
      alert: 'worker-missing',
      key: `worker-missing/${host}`,
      source: null,
      host,
      message: `No worker of ${host} polls ${names.join(', ')}: none of its steps are done.`,
      remedy: `On ${host}: systemctl status mosaic-backup-worker (or mosaic-backup-up), and its journal; start it again.`,
      once: false,
    };
  });
}
