/** Whether restored data stand where the snapshot stood by which rows were read; where they may, they are brought there. */
import { BackupError } from '../../../model/errors.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import type { Work } from '../../work.ts';
import type { BackupReader } from '../types.ts';
import { CHECK_BINLOG, replayBinlog } from './check-binlog.ts';
import { NOT_COMPARED } from './rows.ts';

export type Moment =
  | {
      readonly reached: true;
      /** What the capture says of tables that it could not read; null where it could read all. */
      readonly unread: string | null;
      /** Whether something was replayed for it, so that they stand behind the backup's end. */
      readonly replayed: boolean;
    }
  /** With `failed`, what should have brought them there is damaged. Without a reason there was no snapshot to be taken. */
  | { readonly reached: false; readonly why: string | null; readonly failed: boolean };

export interface Reaching {
  readonly backup: BackupReader;
  readonly inventory: readonly MariadbEntry[];
  readonly restored: string;
  /** Whether what was restored may be replayed further than the backup's end. */
  readonly expendable: boolean;
  readonly work: Work;
}

export async function reachMoment({ backup, inventory, restored, expendable, work }: Reaching): Promise<Moment> {
  const unread = backup.manifest.warnings.find(({ code }) => code === NOT_COMPARED)?.message ?? null;
  if (!inventory.some(({ entry }) => entry === 'snapshot')) return { reached: false, why: unread, failed: false };
  // Nothing was written between the backup's end and the snapshot.
  if (!backup.manifest.artifacts.some(({ role }) => role === CHECK_BINLOG.role))
    return { reached: true, unread, replayed: false };
  if (!expendable) {
    const why =
      'rows of transactional tables are known for a moment after the backup’s end, and this folder stays as it is';
    return { reached: false, why, failed: false };
  }
  try {
    await replayBinlog(backup, restored, work);
    return { reached: true, unread, replayed: true };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'verification-failed') throw error;
    return { reached: false, why: error.message, failed: true };
  }
}
