/**
 * What must hold only during a capture: a second replication slot, so that the server recycles no WAL that the
 * base backup still needs. It is temporary and tied to an open session, so the server itself releases it when the
 * capture ends in whatever way, SIGKILL and a pulled plug included.
 */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Connection } from './connection.ts';
import { openSession, type Session } from './session.ts';

export interface Bracket {
  readonly slot: string;
  /** Fails unless the slot has been there all along. To be asked when the backup has been read. */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

const slotState = z.object({ restartLsn: z.string().nullable(), status: z.string().nullable() });

/** Reserves WAL from now on. `attempt` makes the slot's name. */
export async function openBracket(connection: Connection, attempt: string, signal: AbortSignal): Promise<Bracket> {
  // No query on this session may fail: any error would drop a temporary slot.
  const session = await openSession(connection, { application: 'mosaic-backup bracket', signal });
  try {
    const slot = slotName(attempt);
    // Reserved at once: a slot that is only made protects nothing until somebody streams from it.
    await session.rows(z.unknown(), 'SELECT pg_create_physical_replication_slot($1, true, true)', [slot]);
    await requireSlot(session, slot);
    return { slot, confirm: () => requireSlot(session, slot), release: () => session.close() };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Lower-case letters, digits and underscores, at most 63. The end of an attempt is what makes it unique. */
function slotName(attempt: string): string {
  const plain = attempt.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_');
  return `mosaic_capture_${plain.slice(-40)}`;
}

async function requireSlot(session: Session, slot: string): Promise<void> {
  const [found] = await session.rows(
    slotState,
    'SELECT restart_lsn::text AS "restartLsn", wal_status AS status FROM pg_replication_slots WHERE slot_name = $1',
    [slot],
  );
  // "unreserved" may have lost WAL already: it is only noted as lost at the next checkpoint.
  if (found?.restartLsn && found.status !== 'lost' && found.status !== 'unreserved') return;
  const why = found?.status ?? 'it was dropped';
  throw new BackupError('failed', `The slot ${slot}, which kept the WAL that the backup needs, is gone: ${why}.`, {
    remedy:
      'Raise max_slot_wal_keep_size above the WAL that is written during one backup, and let nobody drop the slot.',
    facts: { slot },
  });
}
