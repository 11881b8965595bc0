/** A PostgreSQL server of a test's own, with the roles and access lines of infra/roles, stopped by the test. */
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import type { z } from 'zod';
import { requireBinaries, type Binaries } from '../../activities/sources/postgres/binaries.ts';
import { createCluster, startServer, type PrivateServer } from '../../activities/sources/postgres/server.ts';
import { serverUser } from '../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../activities/sources/private-server/user.ts';
import { runProgram } from '../../activities/streams/run.ts';
import { postgresSource, type PostgresSource } from '../../model/config/source.ts';
import { isCached, provideProgramsOf } from './postgres-programs.ts';
import { freePort } from './ports.ts';

/** A PostgreSQL source as it stands in a config. */
export type PostgresInput = z.input<typeof postgresSource>;

export interface PostgresOptions {
  /** An existing folder that others may pass; everything is made below it. */
  readonly folder: string;
  /** Major version; 16 and 18 come from the cache of the set-up. */
  readonly major?: number;
  /** Listens on 127.0.0.1 with TLS; the certificate is the server's own CA. */
  readonly tls?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines of pg_hba.conf before all others. */
  readonly hba?: readonly string[];
  /** Arguments of initdb, after those that are always given. */
  readonly initdb?: readonly string[];
  /** MiB of a segment of WAL; 16 is PostgreSQL's own, 1 its least: a segment is written and received whole. */
  readonly segment?: 1 | 16;
}

export interface TestPostgres {
  readonly data: string;
  readonly binaries: Binaries;
  readonly port: number;
  /** Folder of the socket. */
  readonly socket: string;
  /** The certificate, where it has TLS. */
  readonly certificate: string;
  /** Files with the passwords of the roles. */
  readonly passwords: { readonly backup: string; readonly check: string; readonly export: string };
  /** What a config says of it: by socket, or by TCP with everything verified. */
  config(how?: 'socket' | 'tcp', options?: Partial<PostgresInput>): PostgresInput;
  /** The same, parsed. */
  source(how?: 'socket' | 'tcp', options?: Partial<PostgresInput>): PostgresSource;
  /** Runs SQL as superuser. */
  sql(text: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** A connection as superuser; the test ends it. */
  client(database?: string): Promise<Client>;
  readonly server: () => PrivateServer;
  /** @param changes of its settings, from now on; undefined: as the server's own files say. */
  start(changes?: Readonly<Record<string, string | undefined>>): Promise<void>;
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

const ROLES = new URL('../../infra/roles/', import.meta.url);
const SUPERUSER = 'postgres';
/** What the tests run on unless they name another; the newest that Debian 12 has. */
const MAJOR = 15;

/** Makes a cluster and starts it. */
export async function startPostgres({
  folder,
  major = MAJOR,
  tls = false,
  settings = {},
  hba = [],
  initdb = [],
  segment = 1,
}: PostgresOptions): Promise<TestPostgres> {
  const signal = new AbortController().signal;
  if (isCached(major)) await provideProgramsOf(major);
  const binaries = await requireBinaries(major, { program: 'initdb' });
  const data = path.join(folder, 'data');
  const runtime = path.join(folder, 'run');
  const passwords = {
    backup: path.join(folder, 'backup.password'),
    check: path.join(folder, 'check.password'),
    export: path.join(folder, 'export.password'),
  };
  const certificate = path.join(folder, 'server.crt');
  await mkdir(data, { mode: 0o700 });
  await mkdir(runtime, { mode: 0o700 });
  const args = [`--wal-segsize=${segment}`, ...initdb];
  await createCluster({ data, binaries: binaries.folder, superuser: SUPERUSER, signal, args });
  await writeAccess(data, hba);
  if (tls) await makeCertificate(folder, certificate);
  const port = tls ? await freePort() : 5432;
  let server: PrivateServer | undefined;

  let own: Readonly<Record<string, string | undefined>> = settings;

  async function start(changes: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    own = { ...own, ...changes };
    server = await startServer({
      data,
      binaries: binaries.folder,
      superuser: SUPERUSER,
      runtime,
      port,
      // The certificate does not bear the second address.
      listen: tls ? '127.0.0.1,127.0.0.2' : '',
      settings: present({
        // Data of a test outlive no crash of the machine. Preflight refuses fsync = off, so it is on, and costs little.
        shared_buffers: '32MB',
        synchronous_commit: 'off',
        max_slot_wal_keep_size: '1GB',
        ...(tls ? { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: path.join(folder, 'server.key') } : {}),
        ...own,
      }),
      signal,
    });
  }
  function running(): PrivateServer {
    if (!server) throw new Error('the server was not started');
    return server;
  }
  async function client(database = 'postgres'): Promise<Client> {
    const made = new Client({ host: running().socket, port, user: SUPERUSER, database, ssl: false });
    made.on('error', () => undefined);
    await made.connect();
    return made;
  }
  async function sql(text: string, database?: string) {
    const connected = await client(database);
    try {
      const result: { readonly rows?: readonly Readonly<Record<string, unknown>>[] } = await connected.query(text);
      return result.rows ?? [];
    } finally {
      await connected.end();
    }
  }

  await start();
  for (const file of ['postgres.sql', 'postgres-check.sql', 'postgres-export.sql'])
    await sql(await readFile(new URL(file, ROLES), 'utf8'));
  for (const [role, file] of Object.entries(passwords)) {
    const password = `secret of ${role} ${port}`;
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    await sql(`ALTER ROLE mosaic_${role} PASSWORD '${password}'`);
  }
  function config(how: 'socket' | 'tcp' = 'socket', options: Partial<PostgresInput> = {}): PostgresInput {
    const connection =
      how === 'socket' ? { host: running().socket, port } : overTcp(port, certificate, passwords.backup);
    return { type: 'postgres', connection, ...options };
  }
  return {
    data,
    binaries,
    port,
    socket: running().socket,
    certificate,
    passwords,
    config,
    source: (how, options) => postgresSource.parse(config(how, options)),
    sql,
    client,
    server: running,
    start,
    stop: async (how) => running().stop(how),
  };
}

function present(settings: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const set = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(set);
}

function overTcp(port: number, certificate: string, password: string) {
  return {
    host: '127.0.0.1',
    port,
    password: { file: password },
    sslmode: 'verify-full' as const,
    sslrootcert: certificate,
  };
}

/** The lines that infra/roles tells operators to add, as they are. */
async function writeAccess(data: string, hba: readonly string[]): Promise<void> {
  const shipped = await readFile(new URL('postgres-pg_hba.conf', ROLES), 'utf8');
  const lines = [...hba, `local all ${SUPERUSER} trust`, shipped];
  await writeFile(path.join(data, 'pg_hba.conf'), `${lines.join('\n')}\n`);
  const ident = path.join(data, 'pg_ident.conf');
  await appendFile(ident, await readFile(new URL('postgres-pg_ident.conf', ROLES)));
  const { username } = userInfo();
  if (username === 'root') return;
  await appendFile(
    ident,
    ['backup', 'check', 'export', 'canary'].map((role) => `mosaic ${username} mosaic_${role}\n`).join(''),
  );
}

async function makeCertificate(folder: string, certificate: string): Promise<void> {
  const key = path.join(folder, 'server.key');
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await runProgram({
    command: 'openssl',
    args: ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate],
  });
  await chmod(key, 0o600);
  await giveTo(await serverUser(), key, new AbortController().signal);
}
