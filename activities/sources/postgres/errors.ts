/** What a server or the way to it answers, told as one of our errors with what to do about it. */
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import { describeServer, isSocket, type Connection } from './connection.ts';
import { hbaLine, identLine } from './roles.ts';

interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

type Explain = (connection: Connection, text: string) => Explanation;

/** Node's codes for a server that cannot be reached now. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNRESET',
  'EPIPE',
]);

/** Codes and texts of TLS for a certificate that is not believed. */
const CERTIFICATE = /certificate|ALTNAME|SELF_SIGNED|altnames/;

/** A code of the server's, as `42P01`: five characters with a digit among them, which no code of Node's or TLS's has. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** SQLSTATEs; the class (two letters) stands for all of its codes. */
const STATES: Readonly<Record<string, Explain>> = {
  '28P01': wrongPassword,
  '28000': notAdmitted,
  '3D000': noDatabase,
  '42501': missingPrivilege,
  '53300': tooManyConnections,
  // A timeout that the server has for statements, and one for idle sessions.
  '57014': unreachable,
  '57P05': unreachable,
  '57P01': unreachable,
  '57P02': unreachable,
  '57P03': unreachable,
  '08': unreachable,
};

/** Whatever connecting or a query failed with, as a BackupError. One that is one already stays as it is. */
export function serverError(error: unknown, connection: Connection): BackupError {
  if (error instanceof BackupError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const state = sqlState(error);
  const { code, message, remedy } = explain(state, text, connection);
  return new BackupError(code, message, {
    remedy,
    cause: error,
    facts: { server: describeServer(connection), role: connection.user, answer: text, state: state ?? null },
  });
}

/** The same for what a program of libpq printed, when that tells more than its exit status; else undefined. */
export function programComplaint(stderr: string, connection: Connection): BackupError | undefined {
  const found = [
    { pattern: /password authentication failed|no password supplied/, explain: wrongPassword },
    { pattern: /no pg_hba\.conf entry|Peer authentication failed|role ".*" does not exist/, explain: notAdmitted },
    { pattern: /permission denied|must be superuser/, explain: missingPrivilege },
    { pattern: /remaining connection slots|too many clients|exceeds max_wal_senders/, explain: tooManyConnections },
    {
      pattern:
        /could not connect|Connection refused|server closed the connection|terminating connection|shutting down|could not receive data|the database system is/,
      explain: unreachable,
    },
  ].find(({ pattern }) => pattern.test(stderr));
  if (!found) return undefined;
  const { code, message, remedy } = found.explain(connection, lastLine(stderr));
  return new BackupError(code, message, {
    remedy,
    facts: { server: describeServer(connection), role: connection.user, answer: lastLine(stderr) },
  });
}

function explain(state: string | undefined, text: string, connection: Connection): Explanation {
  const known = state === undefined ? undefined : (STATES[state] ?? STATES[state.slice(0, 2)]);
  if (known) return known(connection, text);
  // A table's name is part of what the server says, and may hold any of the words below.
  if (state !== undefined && SQLSTATE.test(state)) return unexplained(connection, text);
  if (state !== undefined && UNREACHABLE.has(state)) return unreachable(connection, text);
  if (/client password must be a string|password must be/.test(text)) return noPassword(connection);
  if (/does not support SSL/.test(text)) return noTls(connection);
  if (CERTIFICATE.test(text) || (state !== undefined && CERTIFICATE.test(state))) return foreign(connection, text);
  if (/terminated|timeout|not queryable|was closed/i.test(text)) return unreachable(connection, text);
  return unexplained(connection, text);
}

function unexplained(connection: Connection, text: string): Explanation {
  return {
    code: 'failed',
    message: `PostgreSQL at ${describeServer(connection)}: ${text}`,
    remedy: 'Look at the server log.',
  };
}

/** The SQLSTATE of an error of the server, or Node's code of a failed connection. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function wrongPassword({ user, ...server }: Connection): Explanation {
  return {
    code: 'access-denied',
    message: `PostgreSQL at ${describeServer(server)} refuses the password of role "${user}"`,
    remedy: `Set it anew in psql, "\\password ${user}", and put the same into the secret that connection.password names.`,
  };
}

function noPassword({ user, ...server }: Connection): Explanation {
  return {
    code: 'access-denied',
    message: `PostgreSQL at ${describeServer(server)} wants a password of role "${user}", and the config names none`,
    remedy: 'Set connection.password, for example { file: /etc/mosaic-backup/postgres }.',
  };
}

function notAdmitted(connection: Connection, text: string): Explanation {
  const { user } = connection;
  if (/does not exist/.test(text)) {
    return {
      code: 'access-denied',
      message: `PostgreSQL at ${describeServer(connection)} has no role "${user}"`,
      remedy: `Create it as a superuser: psql -d postgres -f infra/roles/postgres.sql`,
    };
  }
  const mapped = isSocket(connection.host) ? `, "${identLine(connection)}" to pg_ident.conf` : '';
  return {
    code: 'access-denied',
    message: `PostgreSQL at ${describeServer(connection)} does not admit role "${user}": ${text}`,
    remedy: `Add "${hbaLine(connection, 'all')}" to pg_hba.conf${mapped}, above broader lines, then: SELECT pg_reload_conf();`,
  };
}

function noDatabase({ database, ...server }: Connection, text: string): Explanation {
  return {
    code: 'config',
    message: `PostgreSQL at ${describeServer(server)} has no database "${database}": ${text}`,
    remedy: 'Set connection.database to one that exists.',
  };
}

function missingPrivilege({ user, ...server }: Connection, text: string): Explanation {
  return {
    code: 'access-denied',
    message: `PostgreSQL at ${describeServer(server)} denies role "${user}" something that it needs: ${text}`,
    remedy: `As a superuser: ALTER ROLE "${user}" REPLICATION; GRANT pg_monitor TO "${user}"; (all of it: infra/roles/postgres.sql)`,
  };
}

function tooManyConnections(connection: Connection, text: string): Explanation {
  return {
    code: 'unreachable',
    message: `PostgreSQL at ${describeServer(connection)} has no connection left: ${text}`,
    remedy:
      'Close idle connections, or raise max_connections (max_wal_senders for replication) and restart the server.',
  };
}

function noTls(connection: Connection): Explanation {
  return {
    code: 'access-denied',
    message: `PostgreSQL at ${describeServer(connection)} offers no TLS, and without it all data would cross the network in clear`,
    remedy:
      'Turn it on: ALTER SYSTEM SET ssl = on; with ssl_cert_file and ssl_key_file. On a trusted wire set sslmode: disable.',
  };
}

function foreign(connection: Connection, text: string): Explanation {
  return {
    code: 'access-denied',
    message: `The certificate of PostgreSQL at ${describeServer(connection)} is not believed: ${text}`,
    remedy: `Let connection.sslrootcert name the CA that signed it, and connection.host a name that it bears (sslmode is ${connection.sslmode}).`,
  };
}

function unreachable(connection: Connection, text: string): Explanation {
  return {
    code: 'unreachable',
    message: `PostgreSQL at ${describeServer(connection)} does not answer: ${text || 'no connection'}`,
    remedy: connection.reached
      ? startContainer(connection.reached)
      : isSocket(connection.host)
        ? `Start the server, and look that its socket is ${connection.host}/.s.PGSQL.${connection.port} (unix_socket_directories, port).`
        : `Start the server, and look that it listens there (listen_addresses, port) and no firewall is between.`,
  };
}

function startContainer({ container: { name } }: NonNullable<Connection['reached']>): string {
  return `Look whether the server in the container runs, and what it says: docker ps --all --filter name=${name}; docker logs --tail 50 ${name}`;
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
