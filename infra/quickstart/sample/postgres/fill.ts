/** Fills the sample's shop, and makes the role that backs it up. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { BackupError } from '../../../../model/errors.ts';
import { APPLICATION, DATABASE, withShop } from './session.ts';

const ROLES = new URL('../../../roles/', import.meta.url);
const SQL = new URL('./sql/', import.meta.url);

/** Makes the role, or gives it what it lacks. Rights on functions are kept by database: in the one that it asks. */
export async function grantBackupRole(server: PrivateServer, signal: AbortSignal): Promise<void> {
  const options = { application: APPLICATION, database: 'postgres', signal };
  const sql = await readFile(new URL('postgres.sql', ROLES), 'utf8');
  await withSession(server.connection, options, (session) => session.run(sql));
}

/** Fills the shop, opens its ledger, and makes the role that backs it up, with no more rights than that needs. */
export async function fillDatabase(server: PrivateServer, signal: AbortSignal): Promise<void> {
  const options = { application: APPLICATION, signal };
  await grantBackupRole(server, signal);
  await withSession(server.connection, options, (session) => session.run(`CREATE DATABASE ${DATABASE}`));
  await withShop(server, signal, async (session) => {
    // Nothing is promised to anybody before the sample is marked as complete.
    await session.run('SET synchronous_commit = off');
    for (const name of ['schema.sql', 'data.sql', 'constraints.sql', 'ledger.sql']) {
      await session.run(await readFile(new URL(name, SQL), 'utf8'));
    }
  });
  await withSession(server.connection, options, (session) => session.run('CHECKPOINT'));
}

/** Bytes of the whole server. @throws BackupError when it is not the server that `fillDatabase` left. */
export async function databaseBytes(server: PrivateServer, signal: AbortSignal): Promise<number> {
  return withShop(server, signal, async (session) => {
    const [row] = await session.rows(
      z.object({ bytes: z.coerce.number(), tables: z.coerce.number() }),
      'SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database) AS bytes, (SELECT count(*) FROM ledger.base) AS tables',
    );
    if (row && row.tables > 0) return row.bytes;
    throw new BackupError('verification-failed', 'The sample database lacks its ledger.');
  });
}
