/** Connections to Temporal for clients. */
import { Connection } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import type { Endpoint } from './endpoint.ts';

/** Connects, and waits until the server answers. @throws BackupError `unreachable`. */
export async function connect({ connection }: Endpoint): Promise<Connection> {
  try {
    return await Connection.connect({ ...connection, connectTimeout: 5000 });
  } catch (error) {
    throw new BackupError('unreachable', `Temporal does not answer at ${connection.address ?? 'its default address'}`, {
      remedy: 'Look whether it runs, and at "temporal" in the config. "restore" and "verify" work without it.',
      cause: error,
    });
  }
}
