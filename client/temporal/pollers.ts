/** Who polls a task queue. */
import type { Client } from '@temporalio/client';

export type QueueType = 'workflow' | 'activity';

/** temporal.api.enums.v1.TaskQueueType */
const TYPES = { workflow: 1, activity: 2 } satisfies Record<QueueType, number>;

/** A poller is listed for five minutes after its last poll; a living one polls at least every minute or so. */
const RECENT = 90_000;

/** Whether a living worker polls a queue. */
export async function isPolled(
  client: Client,
  namespace: string,
  { queue, type }: { readonly queue: string; readonly type: QueueType },
): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    // eslint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is in a package of generated code that is no dependency of ours
    taskQueueType: TYPES[type],
  });
  const recent = Date.now() - RECENT;
  return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > recent);
}
