/** The slot of a source that needs it no longer: dropped, so that the server keeps no WAL for nobody. */
import { postgresSource } from '../../../../model/config/source.ts';
import type { LeftOnServer, Leaving } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { withReach } from '../reach.ts';
import { withSession } from '../session.ts';
import { dropSlot } from './slot.ts';
import { noteReleased, readSlotRecord } from './slot-record.ts';

/** What a source, by its state, has left on a server; null where nothing. */
export async function leftOnServer({ state }: Pick<Leaving, 'state'>): Promise<LeftOnServer | null> {
  const found = await readSlotRecord(state);
  if (!found || found.released) return null;
  const { host, port } = found.connection;
  return {
    what: `the slot ${found.slot} on ${host}, port ${port}`,
    remedy: `On that server: SELECT pg_drop_replication_slot('${found.slot}'); then remove ${state}/slot.json. Where the server is gone, remove that file alone.`,
  };
}

/** Drops it. @throws BackupError when the server cannot be reached, or the slot is in use. */
export async function release({ state, readSecret, signal }: Leaving): Promise<void> {
  const found = await readSlotRecord(state);
  if (!found || found.released) return;
  const config = postgresSource.parse({ type: 'postgres', connection: found.connection });
  await withReach({ config, source: found.slot, state, work: { signal } }, async (reachable) => {
    const connection = await backupConnection(reachable, readSecret);
    await withSession(connection, { application: 'mosaic-backup logs', signal }, (session) =>
      dropSlot(session, found.slot),
    );
  });
  await noteReleased(state);
}
