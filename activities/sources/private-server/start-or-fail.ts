import { BackupError } from '../../../model/errors.ts';

/** A server that does not start on what was restored is a result of the check; whatever else goes wrong is not. */
export async function startOrFail<Server>(starting: Promise<Server>): Promise<Server | BackupError> {
  try {
    return await starting;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') return error;
    throw error;
  }
}
