/** Why a capture failed, where pg_basebackup's messages tell more than its exit status. */
import { BackupError } from '../../../model/errors.ts';
import type { Connection } from './connection.ts';
import { programComplaint } from './errors.ts';

/**
 * A failure of the capture with its cause and remedy; what is no failure of pg_basebackup stays as it is. Where
 * its messages tell nothing ("COPY stream ended before last file was finished"), the bracket's session is asked.
 */
export async function captureFailure(
  error: unknown,
  connection: Connection,
  confirm: () => Promise<void>,
): Promise<unknown> {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const { program, stderr } = error.facts;
  if (typeof program !== 'string' || !isBaseBackup(program, connection) || typeof stderr !== 'string') return error;
  if (/checksum (error|verification fail)/i.test(stderr)) {
    return new BackupError('failed', 'The server found damaged pages in its own data files while it was backed up.', {
      remedy:
        'Look for "checksum verification failed" in the server log, check the disk, and restore the relations it names from an earlier backup.',
      facts: error.facts,
      cause: error,
    });
  }
  if (/requested WAL segment .* has already been removed/.test(stderr)) {
    return new BackupError('failed', 'The server recycled WAL that the backup still needed.', {
      remedy: 'Raise max_slot_wal_keep_size above the WAL that is written during one backup.',
      facts: error.facts,
      cause: error,
    });
  }
  const complaint = programComplaint(stderr, connection);
  if (complaint) return complaint;
  return confirm().then(
    () => error,
    (cause: unknown) => cause,
  );
}

/** Inside a container it is `docker` that says how it ended. */
function isBaseBackup(program: string, { reached }: Connection): boolean {
  return program.endsWith('/pg_basebackup') || (reached !== undefined && program === 'docker');
}
