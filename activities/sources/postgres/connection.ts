/**
 * The one place that turns a source's config into a connection: libpq's environment for programs, and the
 * options of a `pg` client for queries. Both mean the same by `sslmode`; the pg library's own reading of it differs.
 */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SecretReader } from '../../config/secrets.ts';
import type { ReachableSource, Reached } from './reach.ts';
import { asAccount, readPassword } from '../accounts.ts';

/** libpq's modes; `prefer` is only ever our default, for this machine's own addresses. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** All that is needed to reach a server as one role. */
export interface Connection {
  /** A folder (Unix socket) or a host. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly sslmode: SslMode;
  readonly sslrootcert: string | undefined;
  /** Settings for the session, as `-c name=value …`. They win over those of the role and the database. */
  readonly options?: string;
  /** The server is in a container, and `host` the folder of the door to it. */
  readonly reached?: Reached | undefined;
}

const CONNECT_SECONDS = 10;

/** The connection of a source's backup role. */
export async function backupConnection(config: ReachableSource, readSecret: SecretReader): Promise<Connection> {
  const { host, port, user, password, database, sslrootcert, container } = config.connection;
  const { reached } = config;
  // The same folder on this machine may be that of another server.
  if (container !== undefined && !reached) throw new TypeError('the way into the container was not opened');
  const sslmode = sslModeOf(config.connection);
  return {
    host,
    port,
    user,
    password: await readPassword(password, readSecret),
    database,
    sslmode,
    sslrootcert,
    reached,
  };
}

/** The connection of the role that may read tables; undefined where the config has none. */
export async function checkConnection(
  config: ReachableSource,
  readSecret: SecretReader,
): Promise<Connection | undefined> {
  return config.check && asAccount(config.check, await backupConnection(config, readSecret), readSecret);
}

/** The connection of the role that exports; undefined where the config has none. */
export async function exportConnection(
  config: PostgresSource,
  readSecret: SecretReader,
): Promise<Connection | undefined> {
  return config.export && asAccount(config.export, await backupConnection(config, readSecret), readSecret);
}

export function isSocket(host: string): boolean {
  return host.startsWith('/');
}

/**
 * The mode that counts. Where the config names none: verification where it names a CA, none on a socket (libpq
 * has none there), encryption wherever it can be had on loopback, and never plain text over a network.
 * @throws BackupError `config` when a certificate is to be verified and no CA is named: libpq would look into
 *   the home folder of whoever runs it, Node into its own list.
 */
export function sslModeOf({ host, sslmode, sslrootcert }: PostgresSource['connection']): SslMode {
  if (isSocket(host)) return 'disable';
  if ((sslmode === 'verify-ca' || sslmode === 'verify-full') && sslrootcert === undefined) {
    throw new BackupError('config', `sslmode ${sslmode} needs to know whose certificates to believe`, {
      remedy:
        'Set connection.sslrootcert to the file of the CA, or to /etc/ssl/certs/ca-certificates.crt for public ones.',
    });
  }
  // libpq, too, verifies the CA under "require" once it has a root certificate.
  if (sslmode === 'require' && sslrootcert !== undefined) return 'verify-ca';
  if (sslmode !== undefined) return sslmode;
  if (sslrootcert !== undefined) return 'verify-full';
  return isLoopback(host) ? 'prefer' : 'require';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** libpq's environment for PostgreSQL's own programs: no credential is in their arguments. */
export function libpqEnvironment(
  connection: Connection,
  application: string,
): Readonly<Record<string, string | undefined>> {
  const { host, port, user, password, database, sslmode, sslrootcert } = connection;
  return {
    PGHOST: host,
    // An address, service or options of the worker's own environment would win over the above, and name another server.
    PGHOSTADDR: '',
    PGSERVICE: undefined,
    PGOPTIONS: connection.options ?? '',
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    PGSSLMODE: sslmode,
    PGAPPNAME: application,
    PGCONNECT_TIMEOUT: String(CONNECT_SECONDS),
    // What programs print is parsed.
    LC_ALL: 'C',
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    ...(sslrootcert === undefined ? {} : { PGSSLROOTCERT: sslrootcert }),
  };
}

/** The same connection for the `pg` library, with `encrypted: false` for the second try of `prefer`. */
export async function clientConfig(
  connection: Connection,
  { application, encrypted = true }: { readonly application: string; readonly encrypted?: boolean },
): Promise<ClientConfig> {
  const { host, port, user, password, database, options } = connection;
  return {
    host,
    port,
    user,
    database,
    ...(password === undefined ? {} : { password }),
    ssl: encrypted ? await tlsOptions(connection) : false,
    application_name: application,
    connectionTimeoutMillis: CONNECT_SECONDS * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    ...(options === undefined ? {} : { options }),
  };
}

async function tlsOptions({ host, sslmode, sslrootcert }: Connection): Promise<ConnectionOptions | false> {
  if (sslmode === 'disable') return false;
  if (sslmode === 'prefer' || sslmode === 'require') return { rejectUnauthorized: false };
  const ca = await rootCertificate(sslrootcert);
  if (sslmode === 'verify-ca') return { ca, checkServerIdentity: () => undefined };
  // Said outright, because for an address Node would compare the certificate with "localhost".
  return { ca, checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) };
}

async function rootCertificate(file: string | undefined): Promise<string> {
  if (file === undefined) throw new BackupError('config', 'a certificate is to be verified, but no CA is named');
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new BackupError('config', `the root certificate ${file} cannot be read`, {
      remedy: `Put the CA's certificate there, readable by the user of the worker, or change connection.sslrootcert.`,
      cause,
    });
  }
}

/** How a server is called in messages: `127.0.0.1:5432`, `/run/postgresql (port 5432)`. */
export function describeServer({ host, port, reached }: Pick<Connection, 'host' | 'port' | 'reached'>): string {
  if (reached) return `${reached.host} (port ${port}) in container ${reached.container.name}`;
  return isSocket(host) ? `${host} (port ${port})` : `${host}:${port}`;
}
