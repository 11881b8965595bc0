/** Somebody's word that a phase of a drill may go on. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Confirming } from '../../model/drill/drill.ts';
import { BackupError } from '../../model/errors.ts';
import { confirmPhase } from '../../workflows/messages.ts';

/**
 * @returns what was done, in words.
 * @throws BackupError `not-found` where no such drill goes on; `conflict` where the phase does not wait, with those that do.
 */
export async function confirmDrill(client: Client, id: string, asked: Confirming): Promise<string> {
  try {
    return await client.workflow
      .getHandle(id)
      .executeUpdate<string, [Confirming]>(confirmPhase.name, { args: [asked] });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) {
      throw new BackupError('not-found', `no drill ${id} goes on`, { remedy: 'See: mosaic-backup drill list' });
    }
    if (error instanceof WorkflowUpdateFailedError) {
      throw new BackupError('conflict', `${id}: ${error.cause?.message ?? error.message}`, {
        remedy: `Look at it: mosaic-backup runs show ${id}`,
      });
    }
    throw error;
  }
}
