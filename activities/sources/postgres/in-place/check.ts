/** Whether the server runs on what was restored, as far as the backup role sees. */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { Check } from '../../../../model/evidence.ts';
import { checkResults } from '../../check-results.ts';
import type { InPlaceContext, InPlaceFacts } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { withReach } from '../reach.ts';
import { withSession } from '../session.ts';
import { facts } from './facts.ts';

const { passed, failed } = checkResults<'answers' | 'identity'>();

const running = z.object({
  systemId: z.string(),
  inRecovery: z.boolean(),
  timeline: z.number().nullable(),
  databases: z.coerce.number(),
});

// On a standby there is no place of writing.
const RUNNING = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId", pg_is_in_recovery() AS "inRecovery",
         CASE WHEN NOT pg_is_in_recovery()
              THEN ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END AS timeline,
         (SELECT count(*) FROM pg_database WHERE datallowconn) AS databases`;

/** @throws BackupError while it does not answer. */
export async function check(context: InPlaceContext<PostgresSource>, found: InPlaceFacts): Promise<readonly Check[]> {
  const expected = facts.parse(found);
  const now = await withReach(context, async (config) => {
    const connection = await backupConnection(config, context.readSecret);
    const options = { application: 'mosaic-backup restore', signal: context.work.signal };
    return withSession(connection, options, async (session) => (await session.rows(running, RUNNING))[0]);
  });
  if (!now) throw new TypeError('a query for one row gave none');
  const answers = now.inRecovery
    ? failed('answers', 'it is in recovery, and takes no writes')
    : passed('answers', `open for writing, with ${now.databases} databases`);
  const same = now.systemId === expected.systemId && now.timeline === expected.timeline;
  const said = `system identifier ${now.systemId}, timeline ${now.timeline}`;
  if (same) return [answers, passed('identity', said)];
  const wanted = `${expected.systemId}, ${expected.timeline}`;
  return [answers, failed('identity', `${said}, where ${wanted} was restored: another server answers`)];
}
