/** A restore to a folder by the worker of the host on which that is: visible, and durable. */
import { BackupError, isErrorCode } from '../../../model/errors.ts';
import type { RestoreInput } from '../../../model/restore-run.ts';
import { taskQueues } from '../../../model/run.ts';
import { configuredEndpoint, embeddedEndpoint } from '../../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../../temporal/namespace.ts';
import { isPolled } from '../../temporal/pollers.ts';
import { followRestore, startRestore, type RestoreHandle } from '../../restore/run.ts';
import { connectClient } from '../../runs/start.ts';
import type { Cli } from '../context.ts';

/**
 * Restores, and waits for the end.
 * @throws BackupError as the restore itself; `unreachable` where no worker of the host can be asked: nobody else does it.
 */
export async function restoreByWorker(cli: Cli, input: RestoreInput): Promise<{ milliseconds: number }> {
  const site = await cli.site();
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) throw noWorker(input.host, 'no Temporal is configured, and none runs here');
  const client = await connectClient(endpoint);
  try {
    const { host: queue } = taskQueues(input.site, input.host);
    if (!(await isPolled(client, endpoint.namespace, { queue, type: 'activity' })))
      throw noWorker(input.host, `no worker of ${input.host} polls its queue`);
    await ensureSearchAttributes(endpoint);
    const handle = await startRestore(client, site.config, input);
    cli.out.note(`restored by the worker of ${input.host}: ${handle.workflowId}`);
    return await watched(cli, handle, input);
  } finally {
    await client.connection.close();
  }
}

async function watched(
  cli: Cli,
  handle: RestoreHandle,
  { backup: { reference, sha256 } }: RestoreInput,
): Promise<{ milliseconds: number }> {
  const work = await cli.work();
  const onFailed = (message: string): void => cli.out.note(`it failed, and is tried again: ${message}`);
  const { error, milliseconds } = await followRestore(handle, {
    signal: cli.signal,
    progress: (report) => work.progress(report),
    onFailed,
  });
  if (error === null) return { milliseconds: milliseconds ?? 0 };
  const { code, message, remedy } = error;
  throw new BackupError(isErrorCode(code) ? code : 'failed', message, {
    ...(remedy === null ? {} : { remedy }),
    // As a restore of this process names its backup: another place may have a good copy.
    facts: { run: handle.workflowId, ...(OF_THE_COPY.has(code) && { reference, manifest: sha256, artifact: '' }) },
  });
}

/** Codes that speak against the copy. */
const OF_THE_COPY: ReadonlySet<string> = new Set(['verification-failed', 'not-authentic', 'not-found']);

function noWorker(host: string, why: string): BackupError {
  return new BackupError('unreachable', `${host} cannot be asked to restore: ${why}`, {
    remedy: `Start one there ("mosaic-backup worker"), or give the command on ${host} itself.`,
  });
}
