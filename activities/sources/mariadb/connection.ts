/**
 * The one place that turns a source's config into a connection: an option file for MariaDB's own programs. It is
 * the only one that they read (`--defaults-file`): what /etc/mysql or a home folder says of a `[client]` must
 * neither name another server nor lend another password.
 */
import { isIP } from 'node:net';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { SecretReader } from '../../config/secrets.ts';
import { asAccount, readPassword } from '../accounts.ts';

/** All that is needed to reach a server as one account. */
export interface Connection {
  /** Path of the socket; null over TCP. */
  readonly socket: string | null;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  /** File with the CA's certificate. */
  readonly ca: string | undefined;
}

const CONNECT_SECONDS = 10;

/** The connection of a source's backup account. */
export async function backupConnection(config: MariadbSource, readSecret: SecretReader): Promise<Connection> {
  const { socket, host, port, user, password, ca } = config.connection;
  return {
    socket: host === undefined ? socket : null,
    host: host ?? 'localhost',
    port,
    user,
    password: await readPassword(password, readSecret),
    ca,
  };
}

/** The connection of the account that may read tables; undefined where the config has none. */
export async function checkConnection(
  config: MariadbSource,
  readSecret: SecretReader,
): Promise<Connection | undefined> {
  return config.check && asAccount(config.check, await backupConnection(config, readSecret), readSecret);
}

/** The connection of the account that exports; undefined where the config has none. */
export async function exportConnection(
  config: MariadbSource,
  readSecret: SecretReader,
): Promise<Connection | undefined> {
  return config.export && asAccount(config.export, await backupConnection(config, readSecret), readSecret);
}

/** The option file of a connection. It holds the password, so it goes through a pipe and lies in no file. */
export function optionFile(connection: Connection): string {
  const { socket, host, port, user, password } = connection;
  const place =
    socket === null
      ? [`host=${quoted(host)}`, `port=${port}`, 'protocol=tcp', ...tls(connection)]
      : [`socket=${quoted(socket)}`, 'protocol=socket'];
  const secret = password === undefined ? [] : [`password=${quoted(password)}`];
  return [
    '[client]',
    ...place,
    `user=${quoted(user)}`,
    ...secret,
    // Only `mariadb` knows it; others skip the prefixed name.
    `loose-connect-timeout=${CONNECT_SECONDS}`,
    '',
  ].join('\n');
}

/** Verification where the config names a CA, encryption wherever data would cross a network. */
function tls({ host, ca }: Connection): readonly string[] {
  if (ca !== undefined) return [`ssl-ca=${quoted(ca)}`, 'ssl-verify-server-cert'];
  return isLoopback(host) ? [] : ['ssl'];
}

/** Whether nothing leaves this machine on the way to a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A value as option files have it: quoted, since `#` begins a comment, with the escapes that they know. */
function quoted(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`)
    .replaceAll('\t', String.raw`\t`);
  return `"${escaped}"`;
}

/** How a server is called in messages: `127.0.0.1:3306`, `/run/mysqld/mysqld.sock`. */
export function describeServer({ socket, host, port }: Pick<Connection, 'socket' | 'host' | 'port'>): string {
  return socket ?? `${host}:${port}`;
}
