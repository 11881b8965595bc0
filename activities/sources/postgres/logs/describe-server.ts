/** What shipping needs to know of a server before it asks anything of it. */
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import type { Session } from '../session.ts';

const server = z.object({
  systemId: z.string(),
  version: z.string(),
  segmentBytes: z.coerce.number(),
  inRecovery: z.boolean(),
});
export type Server = z.infer<typeof server>;

/** @throws BackupError `preflight-failed` where it is a standby. */
export async function describeServer(session: Session): Promise<Server> {
  const [found] = await session.rows(
    server,
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId",
            current_setting('server_version') AS version, pg_is_in_recovery() AS "inRecovery",
            (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS "segmentBytes"`,
  );
  if (!found) throw new TypeError('a query for one row gave none');
  if (!found.inRecovery) return found;
  throw new BackupError('preflight-failed', 'The server is a standby: it cannot close a WAL segment.', {
    remedy: 'Point connection.host at the primary, or promote this server: SELECT pg_promote();',
  });
}
