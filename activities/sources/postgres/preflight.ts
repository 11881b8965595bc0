/** Whether a server can be captured now. Read only, but for the row of a canary. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { PostgresSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { BackupError } from '../../../model/errors.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { canaryFindings } from '../canary.ts';
import type { SourceContext } from '../types.ts';
import { beat, canaryOf } from './canary.ts';
import { APPLICATION } from './application.ts';
import { findBinaries, installRemedy } from './binaries.ts';
import { clientInside } from './client-program.ts';
import { containerFindings, insideContainer } from './container-findings.ts';
import { backupConnection, checkConnection, isSocket, type Connection } from './connection.ts';
import { exportFindings } from './export/findings.ts';
import { gatherFacts, majorOf, type Database, type Facts } from './facts.ts';
import { findingsOf, findingsOfIncrementals, identifier } from './findings.ts';
import { findingsOfLogs, findingsOfSpool } from './findings-of-logs.ts';
import { askArchiver } from './logs/archiver.ts';
import { hbaLine, identLine } from './roles.ts';
import { probeReplication, withSession, type Session } from './session.ts';

export { APPLICATION };

/** Names of unlogged tables that a finding lists. */
const NAMED = 20;

/**
 * All findings about a server and its roles.
 * @throws BackupError `unreachable` or `access-denied` when it cannot even be asked.
 */
export async function preflight(context: SourceContext<PostgresSource>): Promise<readonly Finding[]> {
  const { config, source, work, readSecret } = context;
  const connection = await backupConnection(config, readSecret);
  const options = { application: APPLICATION, signal: work.signal };
  const facts = await withSession(connection, options, gatherFacts);
  const { reached } = connection;
  const found = [
    ...insideContainer(findingsOf(facts, source), reached),
    ...(config.incrementals > 0 ? findingsOfIncrementals(facts, source) : []),
    ...(config.logs.enabled ? await logs(connection, facts, context) : []),
  ];
  const isSound = found.every(({ severity }) => severity !== 'error');
  return [
    ...found,
    // Where something is wrong already, replication would be refused for that.
    ...(isSound ? await replication(connection, facts, source) : []),
    ...(await programs(context, connection, facts)),
    ...(await unlogged(connection, facts, context)),
    ...(await checkRole(context)),
    ...(await exportFindings(context, facts)),
    ...(await canaryFindings(context, canaryOf(config), () => beat(context))),
  ];
}

/** What would keep the logs from being shipped: through a slot, or out of a spool. */
async function logs(
  connection: Connection,
  facts: Facts,
  { config, source, work }: SourceContext<PostgresSource>,
): Promise<readonly Finding[]> {
  const { spool } = config.logs;
  if (spool === undefined) return findingsOfLogs(facts, source);
  const options = { application: APPLICATION, signal: work.signal };
  const archiver = await withSession(connection, options, askArchiver);
  return findingsOfSpool({ facts, archiver, spool, isThere: (await ifThere(stat(spool))) !== undefined }, source);
}

/** pg_hba.conf has lines of its own for replication, and only an attempt tells whether one admits. */
async function replication(connection: Connection, facts: Facts, subject: string): Promise<readonly Finding[]> {
  try {
    await probeReplication(connection, APPLICATION);
    return [];
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'access-denied') throw error;
    const file = facts.settings.hba_file ?? 'pg_hba.conf';
    const ident = isSocket(connection.host) ? ` and "${identLine(connection)}" to pg_ident.conf` : '';
    return [
      {
        code: 'postgres.hba-replication',
        severity: 'error',
        message: `${file} admits role ${identifier(connection.user)} to databases, but not to replication`,
        remedy: `Add "${hbaLine(connection, 'replication')}" to ${file}${ident}, then: SELECT pg_reload_conf();`,
        subject,
      },
    ];
  }
}

async function programs(
  { config, source: subject, work }: SourceContext<PostgresSource>,
  connection: Connection,
  facts: Facts,
): Promise<readonly Finding[]> {
  const major = majorOf(facts.versionNumber);
  const program = 'pg_basebackup';
  const found = await findBinaries(major, { program, hint: config.binaries, newer: true });
  const inside = await clientInside(connection, { program, major, streams: true }, work.signal);
  if (connection.reached && (found || inside))
    return containerFindings(connection.reached, { here: found !== undefined, inside, major, subject });
  if (found) return [];
  return [
    {
      code: 'postgres.programs',
      severity: 'error',
      message: `${program} of version ${major} or newer is not on this machine; an older one cannot back up PostgreSQL ${major}`,
      remedy: installRemedy(major, program),
      subject,
    },
  ];
}

/** Databases whose catalogues the role can read. */
export function readable(facts: Facts): readonly Database[] {
  return facts.databases.filter(({ allowsConnections, mayConnect }) => allowsConnections && mayConnect);
}

async function unlogged(
  connection: Connection,
  facts: Facts,
  { source, work }: SourceContext<PostgresSource>,
): Promise<readonly Finding[]> {
  const tables: string[] = [];
  for (const { name } of readable(facts)) {
    const options = { application: APPLICATION, database: name, signal: work.signal };
    for (const table of await withSession(connection, options, unloggedTables)) tables.push(`${name}.${table}`);
  }
  if (tables.length === 0) return [];
  const named = tables.slice(0, NAMED).join(', ');
  const more = tables.length > NAMED ? ` and ${tables.length - NAMED} more` : '';
  return [
    {
      code: 'postgres.unlogged',
      severity: 'warning',
      message: `unlogged tables come back empty: ${named}${more}`,
      remedy: 'Where their rows matter: ALTER TABLE … SET LOGGED;',
      subject: source,
    },
  ];
}

async function unloggedTables(session: Session): Promise<readonly string[]> {
  const found = await session.rows(
    z.object({ name: z.string() }),
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'm', 'p') ORDER BY 1`,
  );
  return found.map(({ name }) => name);
}

/** The second role, where the config has one. Its lack stops no backup: rows are not compared then. */
async function checkRole(context: SourceContext<PostgresSource>): Promise<readonly Finding[]> {
  const { config, source, work, readSecret } = context;
  const connection = await checkConnection(config, readSecret);
  if (!connection) {
    return [
      {
        code: 'postgres.check-role',
        severity: 'info',
        message: 'rows are not compared after a restore: that needs a role that may read tables',
        remedy: 'Run infra/roles/postgres-check.sql on the server and add "check: {}" to this source.',
        subject: source,
      },
    ];
  }
  try {
    const options = { application: APPLICATION, signal: work.signal };
    return await withSession(connection, options, (session) => checkRolePrivileges(session, source));
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
    return [
      {
        code: 'postgres.check-role',
        severity: 'warning',
        message: `rows will not be compared: ${error.message}`,
        remedy: error.remedy ?? null,
        subject: source,
      },
    ];
  }
}

async function checkRolePrivileges(session: Session, subject: string): Promise<readonly Finding[]> {
  const [role] = await session.rows(
    z.object({ reads: z.boolean(), bypasses: z.boolean() }),
    `SELECT pg_has_role(current_user, 'pg_read_all_data', 'USAGE') AS reads, rolbypassrls OR rolsuper AS bypasses
       FROM pg_roles WHERE rolname = current_user`,
  );
  const name = identifier(session.connection.user);
  const finding = { code: 'postgres.check-role', subject } as const;
  if (!role?.reads) {
    const message = `rows will not be compared: role ${name} may not read tables`;
    return [{ ...finding, severity: 'warning', message, remedy: `GRANT pg_read_all_data TO ${name};` }];
  }
  if (role.bypasses) return [];
  const message = `tables with row security are not compared: role ${name} may not read past it`;
  return [{ ...finding, severity: 'info', message, remedy: `ALTER ROLE ${name} BYPASSRLS;` }];
}
