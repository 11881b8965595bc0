/**
 * The slot that keeps WAL on the server until it is received. It lasts: as long as it is there, the server recycles
 * nothing that has not been shipped, so it must have a limit (max_slot_wal_keep_size).
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import type { Session } from '../session.ts';

const slot = z.object({
  restartLsn: z.string().nullable(),
  status: z.string().nullable(),
  active: z.boolean(),
});
export type Slot = z.infer<typeof slot>;

/** Lower-case letters, digits and underscores, at most 63; the digest keeps names apart that look alike then. */
export function slotName(site: string, source: string): string {
  const plain = source
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 30);
  return `mosaic_logs_${plain}_${createHash('sha256').update(`${site}/${source}`).digest('hex').slice(0, 8)}`;
}

export async function findSlot(session: Session, name: string): Promise<Slot | undefined> {
  const [found] = await session.rows(
    slot,
    `SELECT restart_lsn::text AS "restartLsn", wal_status AS status, active
       FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  );
  return found;
}

/**
 * Whether the server still keeps what the slot has not passed on. One that is `unreserved` keeps it until the next
 * checkpoint: what is received now is saved, and to give it up would make the hole certain.
 */
export function isWhole({ restartLsn, status }: Slot): boolean {
  return restartLsn !== null && status !== 'lost';
}

/** Why a slot that was ours is of no use any more, for whoever is told. */
export function whyLost(found: Slot | undefined, name: string): string {
  if (!found) return `The slot ${name} was dropped by somebody.`;
  return `The slot ${name} was invalidated by the server (wal_status ${found.status ?? 'unknown'}): more WAL was written than max_slot_wal_keep_size lets it keep, or it was idle for longer than idle_replication_slot_timeout.`;
}

/**
 * Makes the slot, reserved at once: `pg_receivewal --create-slot` reserves nothing, and WAL of the time before its
 * first connection may be gone.
 * @throws BackupError `preflight-failed` where nothing limits what slots keep: it would fill the server's disk.
 */
export async function createSlot(session: Session, name: string): Promise<void> {
  const [setting] = await session.rows(
    z.object({ limit: z.string() }),
    `SELECT setting AS "limit" FROM pg_settings WHERE name = 'max_slot_wal_keep_size'`,
  );
  if (setting?.limit === '-1') {
    throw new BackupError(
      'preflight-failed',
      'max_slot_wal_keep_size is -1: while logs cannot be shipped, the slot would keep WAL until the disk is full.',
      {
        remedy: `ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf(); with as much as the disk of pg_wal can spare.`,
        facts: { slot: name },
      },
    );
  }
  await session.rows(z.unknown(), 'SELECT pg_create_physical_replication_slot($1, true)', [name]);
}

/** Milliseconds in which the server has missed a receiver that was killed, unless the network between them is gone. */
const LET_GO = 10_000;
const LOOK = 100;

/**
 * Waits until nobody receives through the slot: the server takes a moment to miss a receiver that was killed.
 * @param limit milliseconds.
 * @throws BackupError `busy` where somebody still does then.
 */
export async function untilFree(
  session: Session,
  name: string,
  { signal, limit = LET_GO }: { readonly signal: AbortSignal; readonly limit?: number },
): Promise<void> {
  const end = Date.now() + limit;
  for (;;) {
    const [used] = await session.rows(
      z.object({ pid: z.number() }),
      'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL',
      [name],
    );
    if (!used) return;
    if (Date.now() >= end) {
      throw new BackupError('busy', `The slot ${name} is in use: the server's process ${used.pid} sends through it.`, {
        remedy: `The next tick tries again. Where it stays so, see who it is (SELECT * FROM pg_stat_replication WHERE pid = ${used.pid}), and end it: SELECT pg_terminate_backend(${used.pid});`,
        facts: { slot: name, pid: used.pid },
      });
    }
    await pause(LOOK, undefined, { signal });
  }
}

/** Removes it, so that the server keeps nothing for it any more. */
export async function dropSlot(session: Session, name: string): Promise<void> {
  if (await findSlot(session, name)) await session.rows(z.unknown(), 'SELECT pg_drop_replication_slot($1)', [name]);
}
