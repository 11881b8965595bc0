/** Whether the logs at hand are the history that a backup was taken in. */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { gtidsIn } from './gtids-in-file.ts';
import { sameGtids } from './gtid.ts';
import type { PhysicalPosition } from './position.ts';

/**
 * Where the backup stood, its first log must have the GTIDs that the backup has: with another server's, or another
 * history of the same one, mariadb-binlog would find nothing to skip, or skip all, and say nothing.
 */
export async function requireBegin(folder: string, position: PhysicalPosition, work: Work): Promise<void> {
  const { binlogFile, binlogPosition, gtid } = position;
  if (binlogFile === null || binlogPosition === null || gtid === null) throw new TypeError('a backup without position');
  const found = await gtidsIn(path.join(folder, binlogFile), [`--stop-position=${binlogPosition}`], work);
  if (sameGtids(found, gtid)) return;
  throw new BackupError(
    'verification-failed',
    `The logs are not those of the backup: ${binlogFile} has ${found || 'nothing'} at ${binlogPosition}, and the backup ${gtid || 'nothing'}.`,
    { remedy: 'Choose logs of the same lineage as the backup.', facts: { binlogFile, binlogPosition, found, gtid } },
  );
}
