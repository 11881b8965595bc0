/** What would keep exports from being made. No finding here stops a backup: its files are good without. */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Finding } from '../../../../model/finding.ts';
import type { SourceContext } from '../../types.ts';
import { findBinaries, installRemedy } from '../binaries.ts';
import { exportConnection, type Connection } from '../connection.ts';
import { majorOf, type Facts } from '../facts.ts';
import { identifier } from '../findings.ts';
import { APPLICATION } from '../application.ts';
import { withSession, type Session } from '../session.ts';
import { largeObjectRemedy } from './remedies.ts';

type Found = Omit<Finding, 'subject'>;

/** Names that a finding lists. */
const NAMED = 10;

export async function exportFindings(
  context: SourceContext<PostgresSource>,
  facts: Facts,
): Promise<readonly Finding[]> {
  const { config, source, readSecret, work } = context;
  const connection = await exportConnection(config, readSecret);
  const found =
    !connection || config.export?.tiers.length === 0
      ? [none(connection !== undefined)]
      : [...(await programs(config, facts)), ...(await asked(connection, facts, work.signal))];
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject: source }));
}

function none(onPurpose: boolean): Found {
  return {
    code: 'postgres.export-role',
    severity: 'info',
    message: `weekly and monthly backups hold no logical exports${onPurpose ? ', as the config says' : ''}: one table cannot go back into a running server, and a server of this version must be had in years`,
    remedy: onPurpose ? null : 'Run infra/roles/postgres-export.sql on the server and add "export: {}" to this source.',
  };
}

async function programs(config: PostgresSource, facts: Facts): Promise<readonly Found[]> {
  const major = majorOf(facts.versionNumber);
  if (await findBinaries(major, { program: 'pg_dump', hint: config.binaries, newer: true })) return [];
  const message = `pg_dump of version ${major} or newer is not on this machine: no exports will be made`;
  return [{ code: 'postgres.export-programs', severity: 'warning', message, remedy: installRemedy(major, 'pg_dump') }];
}

/** What the role itself can see, of the server and in each database. */
async function asked(connection: Connection, facts: Facts, signal: AbortSignal): Promise<readonly Found[]> {
  const options = { application: APPLICATION, signal };
  try {
    const role = await withSession(connection, options, askRole);
    const found: Found[] = [...privileges(connection, role)];
    const guarded: string[] = [];
    const foreign: string[] = [];
    for (const { name } of facts.databases.filter(({ allowsConnections }) => allowsConnections)) {
      if (!role.mayConnect.includes(name)) {
        found.push(cannotConnect(connection, name));
        continue;
      }
      const inside = await withSession(connection, { ...options, database: name }, askDatabase);
      if (!role.bypasses) guarded.push(...inside.guarded.map((table) => `${name}.${table}`));
      if (inside.foreign > 0) foreign.push(`${name} (${inside.foreign})`);
    }
    if (guarded.length > 0) found.push(rowSecurity(connection, guarded));
    if (foreign.length > 0) found.push(largeObjects(connection, foreign));
    return found;
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const remedy = /has no role/.test(error.message)
      ? 'Create it as a superuser: psql -d postgres -f infra/roles/postgres-export.sql'
      : (error.remedy ?? null);
    return [
      {
        code: 'postgres.export-role',
        severity: 'warning',
        message: `no exports will be made: ${error.message}`,
        remedy,
      },
    ];
  }
}

const role = z.object({
  reads: z.boolean(),
  bypasses: z.boolean(),
  superuser: z.boolean(),
  mayConnect: z.array(z.string()),
});
type Role = z.infer<typeof role>;

async function askRole(session: Session): Promise<Role> {
  const [found] = await session.rows(
    role,
    `SELECT pg_has_role(current_user, 'pg_read_all_data', 'USAGE') AS reads, rolbypassrls OR rolsuper AS bypasses,
            rolsuper AS superuser,
            ARRAY (SELECT datname::text FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')) AS "mayConnect"
       FROM pg_roles WHERE rolname = current_user`,
  );
  if (!found) throw new TypeError('a query for one row gave none');
  return found;
}

const inside = z.object({ guarded: z.array(z.string()), foreign: z.coerce.number() });

/** Tables with row security, and large objects that the role may not read. */
async function askDatabase(session: Session): Promise<z.infer<typeof inside>> {
  const [found] = await session.rows(
    inside,
    `SELECT ARRAY (SELECT oid::regclass::text FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p') ORDER BY 1) AS guarded,
            (SELECT count(*) FROM pg_largeobject_metadata m
              WHERE current_setting('lo_compat_privileges') = 'off'
                AND NOT pg_has_role(current_user, lomowner, 'USAGE')
                AND NOT EXISTS (SELECT FROM aclexplode(lomacl)
                                 WHERE privilege_type = 'SELECT'
                                   AND (grantee = 0 OR pg_has_role(current_user, grantee, 'USAGE')))) AS foreign`,
  );
  if (!found) throw new TypeError('a query for one row gave none');
  return found;
}

function privileges({ user }: Connection, { reads, superuser }: Role): readonly Found[] {
  const name = identifier(user);
  if (superuser) {
    const remedy = 'Create the role of infra/roles/postgres-export.sql and set export.user to mosaic_export.';
    const message = `role ${name} is a superuser, and an export needs far less`;
    return [{ code: 'postgres.export-superuser', severity: 'warning', message, remedy }];
  }
  if (reads) return [];
  const message = `role ${name} may not read all tables: databases will not be exported`;
  return [{ code: 'postgres.export-read', severity: 'warning', message, remedy: `GRANT pg_read_all_data TO ${name};` }];
}

function cannotConnect({ user }: Connection, database: string): Found {
  return {
    code: 'postgres.export-connect',
    severity: 'warning',
    message: `role ${identifier(user)} may not connect to database ${database}: it will not be exported`,
    remedy: `GRANT CONNECT ON DATABASE ${identifier(database)} TO ${identifier(user)};`,
  };
}

function rowSecurity({ user }: Connection, tables: readonly string[]): Found {
  return {
    code: 'postgres.export-row-security',
    severity: 'warning',
    message: `role ${identifier(user)} may not read past row security: databases will not be exported for ${list(tables)}`,
    remedy: `ALTER ROLE ${identifier(user)} BYPASSRLS;`,
  };
}

function largeObjects({ user }: Connection, databases: readonly string[]): Found {
  return {
    code: 'postgres.export-large-objects',
    severity: 'warning',
    message: `role ${identifier(user)} may not read large objects of others, so these databases will not be exported: ${list(databases)}`,
    remedy: largeObjectRemedy(user),
  };
}

function list(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
