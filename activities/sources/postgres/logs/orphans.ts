/** Slots with a name of our kind that no source here has: each makes the server keep WAL that nobody ships. */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { Finding } from '../../../../model/finding.ts';
import type { LogsSource } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { withSession } from '../session.ts';
import { slotName } from './slot.ts';

const SLOTS = `
  SELECT slot_name::text AS name FROM pg_replication_slots
   WHERE starts_with(slot_name, 'mosaic_logs_') AND NOT active ORDER BY 1`;

/** @param sources all sources of the site: another site may share the server, so it is a warning. */
export async function orphans(
  { config, readSecret, work, site, source }: LogsSource<PostgresSource>,
  sources: readonly string[],
): Promise<readonly Finding[]> {
  const connection = await backupConnection(config, readSecret);
  const options = { application: 'mosaic-backup', signal: work.signal };
  const found = await withSession(connection, options, (session) =>
    session.rows(z.object({ name: z.string() }), SLOTS),
  );
  const ours = new Set(sources.map((name) => slotName(site, name)));
  return found
    .filter(({ name }) => !ours.has(name))
    .map(({ name }) => ({
      code: 'postgres.slot-orphan',
      severity: 'warning',
      message: `the slot ${name} is of no source of this site: the server keeps WAL for it, up to max_slot_wal_keep_size`,
      remedy: `Unless another site ships this server's logs too: SELECT pg_drop_replication_slot('${name}');`,
      subject: source,
    }));
}
