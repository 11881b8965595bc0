/** A restore to a folder by the worker of the host on which that is: visible, and durable. */
import { isOfTheCopy } from '../../../activities/operations/restore-places.ts';
import { BackupError, isErrorCode } from '../../../model/errors.ts';
import type { Restored, RestoreInput } from '../../../model/restore-run.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { taskQueues } from '../../../model/run.ts';
import { configuredEndpoint, embeddedEndpoint } from '../../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../../temporal/namespace.ts';
import { isPolled } from '../../temporal/pollers.ts';
import { startRestore, type RestoreHandle } from '../../restore/run.ts';
import { connectClient } from '../../runs/start.ts';
import type { Cli } from '../context.ts';
import { watched } from './watched.ts';

/**
 * Restores, and waits for the end.
 * @throws BackupError as the restore itself; `unreachable` where no worker of the host can be asked: nobody else does it.
 */
export async function restoreByWorker(cli: Cli, input: RestoreInput): Promise<Restored> {
  const site = await cli.site();
  const endpoint = configuredEndpoint(site, cli.env) ?? (await embeddedEndpoint(site));
  if (!endpoint) throw noWorker(input.host, 'no Temporal is configured, and none runs here');
  const client = await connectClient(endpoint);
  try {
    const { host: queue } = taskQueues(input.site, input.host);
    if (!(await isPolled(client, endpoint.namespace, { queue, type: 'activity' })))
      throw noWorker(input.host, `no worker of ${input.host} polls its queue`);
    await ensureSearchAttributes(endpoint);
    return await awaited(cli, await startRestore(client, site.config, input), input);
  } finally {
    await client.connection.close();
  }
}

/** Waits for the end of one that a worker has. @throws BackupError as the restore itself. */
export async function awaited(cli: Cli, handle: RestoreHandle, input: RestoreInput): Promise<Restored> {
  const { host, backup, place, others = [] } = input;
  const { error, milliseconds, from, passed, elsewhere } = await watched(cli, handle, host);
  if (elsewhere !== undefined) return { milliseconds: 0, elsewhere };
  if (error === null) return { milliseconds: milliseconds ?? 0, from: from ?? null, passed: passed ?? [] };
  const { code, message, remedy } = error;
  const failure = new BackupError(isErrorCode(code) ? code : 'failed', message, {
    ...(remedy === null ? {} : { remedy }),
    facts: { run: handle.workflowId },
  });
  if (!isOfTheCopy(failure.code)) throw failure;
  // As a restore of this process names its backup: another place may have a good copy.
  const { reference, sha256: manifest } = backup;
  const facts = { ...failure.facts, reference, manifest, artifact: '', tried: [place ?? REPOSITORY, ...others] };
  throw new BackupError(failure.code, message, { ...(remedy === null ? {} : { remedy }), facts });
}

export function noWorker(host: string, why: string): BackupError {
  return new BackupError('unreachable', `${host} cannot be asked to restore: ${why}`, {
    remedy: `Start one there ("mosaic-backup worker"), or give the command on ${host} itself.`,
  });
}
