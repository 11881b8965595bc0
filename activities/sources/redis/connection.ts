/**
 * The one place that turns a source's config into a connection: arguments and environment of redis-cli. Short commands
 * and the stream go through that program, so both mean the same by user, password and TLS.
 */
import type { RedisSource } from '../../../model/config/source.ts';
import type { SecretReader } from '../../config/secrets.ts';
import { locate } from '../../streams/locate.ts';
import type { Program } from '../../streams/types.ts';
import { BackupError } from '../../../model/errors.ts';

/** All that is needed to reach a server as one user. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  /** In place of host and port. */
  readonly socket: string | undefined;
  /** Undefined: the default user. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly ca: string | undefined;
}

export async function backupConnection(config: RedisSource, readSecret: SecretReader): Promise<Connection> {
  const { host, port, socket, user, password, ca } = config.connection;
  return { host, port, socket, user, password: password ? await readSecret(password) : undefined, ca };
}

/** How a server is called in messages: `127.0.0.1:6379`, `/run/redis/redis.sock`. */
export function describeServer({ host, port, socket }: Pick<Connection, 'host' | 'port' | 'socket'>): string {
  return socket ?? `${host}:${port}`;
}

/** How a user is called in commands of remedies. */
export function describeUser({ user }: Pick<Connection, 'user'>): string {
  return user ?? 'default';
}

/** redis-cli with this connection; the words follow its own arguments. */
export function client(connection: Connection, words: readonly string[]): Program {
  const { host, port, socket, user, ca } = connection;
  return {
    command: clientProgram(),
    args: [
      ...(socket === undefined ? ['-h', host, '-p', String(port)] : ['-s', socket]),
      ...(ca === undefined ? [] : ['--tls', '--cacert', ca]),
      ...(user === undefined ? [] : ['--user', user]),
      ...words,
    ],
    env: environment(connection),
    cwd: '/',
  };
}

/**
 * The password is in the child's environment, where only its own user sees it. A user without a password must have an
 * empty one there: redis-cli logs nobody in without, and goes on as the default user. And where none is configured,
 * that of the worker's own environment must not count.
 */
function environment({ user, password }: Connection): Readonly<Record<string, string | undefined>> {
  const secret = password ?? (user === undefined ? undefined : '');
  return { REDISCLI_AUTH: secret, VALKEYCLI_AUTH: secret };
}

/** Valkey's packages have a client of another name, which takes the same arguments. */
function clientProgram(): string {
  try {
    return locate('redis-cli');
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    try {
      return locate('valkey-cli');
    } catch {
      // Neither is there; what the first lacks is what is told.
      throw error;
    }
  }
}
