/** The sample's private PostgreSQL: made once, filled with a shop, started with the rights that a production one has. */
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { findBinaries, type Binaries } from '../../../activities/sources/postgres/binaries.ts';
import { createCluster, startServer, type PrivateServer } from '../../../activities/sources/postgres/server.ts';
import { serverUser } from '../../../activities/sources/postgres/server-user.ts';
import { openSession, withSession, type Session } from '../../../activities/sources/postgres/session.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SamplePlace } from './place.ts';

export const SUPERUSER = 'postgres';
export const DATABASE = 'shop';
const APPLICATION = 'mosaic-backup sample';
const ROLES = new URL('../../roles/', import.meta.url);
const SQL = new URL('./sql/', import.meta.url);
/** The version that the sample is made for; where Debian has another, the newest that is here serves. */
const MAJOR = 15;

/** Makes the cluster, empty; whoever may start it may be its superuser and its backup role, by socket. */
export async function makeCluster({ postgres }: SamplePlace, signal: AbortSignal): Promise<void> {
  const { folder } = await serverBinaries();
  await mkdir(postgres, { mode: 0o700 });
  await createCluster({
    data: postgres,
    binaries: folder,
    superuser: SUPERUSER,
    signal,
    args: ['--locale=C.UTF-8', '--no-instructions'],
  });
  const [hba, ident] = await Promise.all(
    ['postgres-pg_hba.conf', 'postgres-pg_ident.conf'].map((name) => readFile(new URL(name, ROLES), 'utf8')),
  );
  const user = userInfo().username;
  // The lines for administrators are ours; those of the backup role are the ones that the product ships.
  const superuser = `local all ${SUPERUSER} peer map=mosaic\n`;
  await writeOwned(path.join(postgres, 'pg_hba.conf'), `${superuser}${hba ?? ''}`);
  const own = user === 'root' ? [] : [`mosaic ${user} mosaic_backup`, `mosaic ${user} mosaic_check`];
  await writeOwned(
    path.join(postgres, 'pg_ident.conf'),
    `${ident ?? ''}${[`mosaic ${user} ${SUPERUSER}`, ...own, ''].join('\n')}`,
  );
}

/** Starts the server, which ends with this process at the latest. */
export async function startDatabase({ postgres, runtime }: SamplePlace, signal: AbortSignal): Promise<PrivateServer> {
  const { folder } = await serverBinaries();
  // The socket and its lock of a server that was killed.
  await rm(runtime, { recursive: true, force: true });
  await mkdir(runtime, { mode: 0o755 });
  return startServer({
    data: postgres,
    runtime,
    binaries: folder,
    superuser: SUPERUSER,
    signal,
    settings: {
      max_slot_wal_keep_size: '4GB',
      max_wal_size: '2GB',
      shared_buffers: '128MB',
      // The backup role comes as this process's user, through the map of pg_ident.conf.
      unix_socket_permissions: '0777',
      wal_level: 'replica',
      autovacuum_naptime: '5min',
    },
  });
}

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

/** A session in the shop as its administrator. */
export function openShop(server: Pick<PrivateServer, 'connection'>, signal: AbortSignal): Promise<Session> {
  return openSession(server.connection, { application: APPLICATION, database: DATABASE, signal });
}

export async function withShop<Result>(
  server: Pick<PrivateServer, 'connection'>,
  signal: AbortSignal,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  return withSession(server.connection, { application: APPLICATION, database: DATABASE, signal }, use);
}

/** The programs of the server, for the sample and for private starts on what was restored from it. */
export async function serverBinaries(): Promise<Binaries> {
  const found = await findBinaries(MAJOR, { program: 'initdb', newer: true });
  if (found) return found;
  throw new BackupError('missing-program', 'The programs of a PostgreSQL server are not on this machine', {
    remedy: '"npm start" installs them; or: apt-get install postgresql-15',
  });
}

async function writeOwned(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
  const user = await serverUser();
  if (user) await chown(file, user.uid, user.gid);
}
