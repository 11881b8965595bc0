/** Whether a role may restore at all: those for backups, checks and exports only read. */
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import { APPLICATION } from '../application.ts';
import type { Connection } from '../connection.ts';
import { withSession } from '../session.ts';
import { maintenance, type Found } from './target.ts';

/** The role that a restore into a new database needs. */
export const ROLE = 'infra/roles/postgres-restore.sql';

const rights = z.object({
  standby: z.boolean(),
  reads: z.boolean(),
  super: z.boolean(),
  databases: z.boolean(),
  inside: z.boolean(),
});

const RIGHTS = `
  SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS reads,
         rolsuper AS super, rolcreatedb AS databases,
         has_database_privilege(current_database(), 'CREATE')
           OR EXISTS (SELECT FROM pg_namespace WHERE nspname !~ '^pg_' AND has_schema_privilege(oid, 'CREATE')) AS inside
    FROM pg_roles WHERE rolname = current_user`;

/**
 * What belongs to whom inside is the server's to judge, in its one transaction.
 * @throws BackupError `access-denied`, `refused` for a standby, before anything is written.
 */
export async function requireWriter(
  connection: Connection,
  { exists }: Pick<Found, 'exists'>,
  signal: AbortSignal,
): Promise<void> {
  const at = exists ? connection : maintenance(connection);
  const [role] = await withSession(at, { application: APPLICATION, signal }, (session) => session.rows(rights, RIGHTS));
  if (!role) throw new TypeError('a query for one row gave none');
  if (role.standby) {
    throw new BackupError('refused', 'The server of --into is a standby, which only reads. Nothing was changed.', {
      remedy: 'Name its primary.',
    });
  }
  const lacks = lacking(connection, exists, role);
  if (lacks === undefined) return;
  throw new BackupError('access-denied', `Role "${connection.user}" ${lacks}. Nothing was changed.`, {
    remedy: `Name a role in --into that may: a superuser (user=postgres); the owner of the database, with --no-owner; or for a new database mosaic_restore, with --no-owner, which ${ROLE} makes (as a superuser: psql -d postgres -f ${ROLE}).`,
    facts: { role: connection.user },
  });
}

function lacking({ database }: Connection, exists: boolean, role: z.infer<typeof rights>): string | undefined {
  if (role.reads) return 'only reads (default_transaction_read_only): nothing can be restored with it';
  if (role.super) return undefined;
  if (!exists) return role.databases ? undefined : `may not make database "${database}"`;
  return role.inside ? undefined : `may make nothing in database "${database}"`;
}
