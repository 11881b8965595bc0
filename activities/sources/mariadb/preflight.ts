/** Whether a server can be captured now. Read only, but for the row of a canary. */
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { BackupError } from '../../../model/errors.ts';
import { canaryFindings } from '../canary.ts';
import type { SourceContext } from '../types.ts';
import { beat, CANARY } from './canary.ts';
import { backupConnection, checkConnection, type Connection } from './connection.ts';
import { outsiders, unreadable } from './datadir.ts';
import { exportFindings } from './export/findings.ts';
import { gatherFacts, type Facts } from './facts.ts';
import { backupProgramFindings, findingsOf } from './findings.ts';
import { installedRelease } from './programs.ts';
import { rows, run, type SessionOptions } from './session.ts';

/** Names that a finding lists. */
const NAMED = 20;

/** Engines whose tables are empty after any restart of their server. */
const FLEETING = "('MEMORY')";
/** Engines without transactions, whose rows are in the data folder. */
const UNDOABLE = "('MyISAM', 'MRG_MyISAM', 'Aria', 'CSV', 'ARCHIVE')";

/**
 * All findings about a server and its accounts.
 * @throws BackupError `unreachable` or `access-denied` when it cannot even be asked.
 */
export async function preflight(context: SourceContext<MariadbSource>): Promise<readonly Finding[]> {
  const { config, source, work, readSecret } = context;
  const connection = await backupConnection(config, readSecret);
  const options = { signal: work.signal };
  const facts = await gatherFacts(connection, options);
  const account = { user: config.connection.user, method: config.method, logs: config.logs.enabled };
  return [
    ...findingsOf(facts, account, source),
    ...(config.method === 'physical' ? await physical(facts, source) : await logical(source)),
    ...(await tables(connection, options, context)),
    ...(await checkAccount(context)),
    ...(await exportFindings(context)),
    ...(await canaryFindings(context, CANARY, () => beat(context))),
  ];
}

async function physical(facts: Facts, subject: string): Promise<readonly Finding[]> {
  const remedy =
    'Run the worker where that folder is, as a user who may read it (root, or mysql), or set "method: logical".';
  const datadir = facts.settings.DATADIR ?? '';
  const why = await unreadable(datadir);
  if (why !== undefined) {
    const message = `mariadb-backup must read the server's data folder ${datadir}, and ${why}`;
    return [{ code: 'mariadb.datadir', severity: 'error', message, remedy, subject }];
  }
  return [...(await program(facts, subject)), ...(await linked(datadir, subject))];
}

async function program(facts: Facts, subject: string): Promise<readonly Finding[]> {
  const installed = await installedRelease('mariadb-backup');
  if (installed !== undefined) return backupProgramFindings(facts, installed, subject);
  const message = 'mariadb-backup is not on this machine';
  return [{ code: 'mariadb.programs', severity: 'error', message, remedy: 'apt-get install mariadb-backup', subject }];
}

async function logical(subject: string): Promise<readonly Finding[]> {
  if ((await installedRelease('mariadb-dump')) !== undefined) return [];
  const message = 'mariadb-dump is not on this machine';
  return [{ code: 'mariadb.programs', severity: 'error', message, remedy: 'apt-get install mariadb-client', subject }];
}

async function linked(datadir: string, subject: string): Promise<readonly Finding[]> {
  const found = await outsiders(datadir);
  if (found.length === 0) return [];
  return [
    {
      code: 'mariadb.data-directory',
      severity: 'error',
      message: `files of tables lie outside the data folder, and a restore would write over them: ${list(found)}`,
      remedy:
        'Bring them back (ALTER TABLE … without DATA DIRECTORY rebuilds a table in place), or set "method: logical".',
      subject,
    },
  ];
}

const named = z.object({ name: z.string() });

async function tables(
  connection: Connection,
  options: SessionOptions,
  { source, config }: SourceContext<MariadbSource>,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  const fleeting = await rows(connection, named, tablesQuery(FLEETING), options);
  if (fleeting.length > 0) {
    found.push({
      code: 'mariadb.memory-tables',
      severity: 'warning',
      message: `tables in memory come back empty: ${list(fleeting.map(({ name }) => name))}`,
      remedy: 'Where their rows matter: ALTER TABLE … ENGINE = InnoDB;',
      subject: source,
    });
  }
  const undoable = await rows(connection, named, tablesQuery(UNDOABLE), options);
  if (undoable.length > 0) {
    const effect =
      config.method === 'physical'
        ? 'rows that several sessions are writing when their files are read can be missing'
        : 'a dump does not hold them still, so they may not fit together with the others';
    found.push({
      code: 'mariadb.non-transactional',
      severity: 'warning',
      message: `tables without transactions: ${effect}: ${list(undoable.map(({ name }) => name))}`,
      remedy: 'ALTER TABLE … ENGINE = InnoDB;',
      subject: source,
    });
  }
  return found;
}

function tablesQuery(engines: string): string {
  return `SELECT JSON_OBJECT('name', CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)) FROM information_schema.TABLES
           WHERE ENGINE IN ${engines} AND TABLE_TYPE NOT LIKE '%TEMPORARY%'
             AND TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
           ORDER BY TABLE_SCHEMA, TABLE_NAME`;
}

function list(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The second account, where the config has one. Its lack stops no backup: rows are not compared then. */
async function checkAccount(context: SourceContext<MariadbSource>): Promise<readonly Finding[]> {
  const { config, source, work, readSecret } = context;
  const connection = await checkConnection(config, readSecret);
  const finding = { code: 'mariadb.check-account', subject: source } as const;
  if (!connection) {
    const message = 'rows are not compared after a restore: that needs an account that may read tables';
    const remedy = 'Run infra/roles/mariadb-check.sql on the server and add "check: {}" to this source.';
    return [{ ...finding, severity: 'info', message, remedy }];
  }
  try {
    const grants = await run(connection, 'SHOW GRANTS', { signal: work.signal });
    if (grants.some((line) => /^GRANT .*(SELECT|ALL PRIVILEGES).* ON \*\.\* TO /.test(line))) return [];
    const message = `rows will not all be compared: account ${connection.user} may not read every table`;
    return [
      { ...finding, severity: 'warning', message, remedy: `GRANT SELECT ON *.* TO ${connection.user}@localhost;` },
    ];
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'unreachable' || error.code === 'aborted') throw error;
    const message = `rows will not be compared: ${error.message}`;
    return [{ ...finding, severity: 'warning', message, remedy: error.remedy ?? null }];
  }
}
