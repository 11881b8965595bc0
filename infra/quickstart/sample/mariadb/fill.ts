/** Fills the sample's wiki, and makes the account that backs it up. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { literal, rows, run } from '../../../../activities/sources/mariadb/session.ts';
import { BackupError } from '../../../../model/errors.ts';
import { openLedger } from './ledger.ts';

const ROLES = new URL('../../../roles/', import.meta.url);
const SQL = new URL('./sql/', import.meta.url);
/** What the first full holds need not be in any binary log. */
const UNLOGGED = 'SET SESSION sql_log_bin = 0;\n';

/** Makes the account, or gives it what it lacks. The password goes to the server through a pipe. */
export async function makeAccount(connection: Connection, passwordFile: string, signal: AbortSignal): Promise<void> {
  const [role, password] = await Promise.all([
    readFile(new URL('mariadb.sql', ROLES), 'utf8'),
    readFile(passwordFile, 'utf8'),
  ]);
  const identified = `ALTER USER mosaic_backup@localhost IDENTIFIED BY ${literal(password.trimEnd())}`;
  await run(connection, `${role}\n${identified}`, { signal });
}

/** Fills the wiki, opens its ledger, and makes the account that backs it up, with no more rights than that needs. */
export async function fillDatabase(connection: Connection, passwordFile: string, signal: AbortSignal): Promise<void> {
  await makeAccount(connection, passwordFile, signal);
  for (const name of ['schema.sql', 'data.sql', 'ledger.sql', 'workload.sql']) await runFile(connection, name, signal);
  await openLedger(connection, { signal });
}

/** Runs one of the files of `sql/`. */
export async function runFile(connection: Connection, name: string, signal: AbortSignal): Promise<void> {
  await run(connection, `${UNLOGGED}${await readFile(new URL(name, SQL), 'utf8')}`, { signal });
}

const size = z.object({ bytes: z.number(), tables: z.number() });

/** Bytes of the whole server. @throws BackupError when it is not the server that `fillDatabase` left. */
export async function databaseBytes(connection: Connection, signal: AbortSignal): Promise<number> {
  const [found] = await rows(
    connection,
    size,
    `SELECT JSON_OBJECT('bytes', (SELECT SUM(data_length + index_length) FROM information_schema.TABLES),
                        'tables', (SELECT COUNT(*) FROM ledger.base))`,
    { signal },
  );
  if (found && found.tables > 0) return found.bytes;
  throw new BackupError('verification-failed', 'The wiki of the sample lacks its ledger.');
}
