/** What a server or the way to it answers, told as one of our errors with what to do about it. */
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import { describeServer, describeUser, type Connection } from './connection.ts';

interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

type Explain = (connection: Connection, line: string) => Explanation;

/** What redis-cli says on stderr, the most telling first: after a refused login it goes on and complains of more. */
const COMPLAINTS: readonly { readonly pattern: RegExp; readonly explain: Explain }[] = [
  { pattern: /WRONGPASS|AUTH failed|ERR AUTH|invalid password|NOAUTH/, explain: wrongPassword },
  { pattern: /NOPERM/, explain: notAllowed },
  { pattern: /SSL|TLS|certificate/i, explain: foreign },
  { pattern: /DENIED/, explain: protectedMode },
  { pattern: /LOADING|MASTERDOWN|NOMASTERLINK|BUSY/, explain: notReady },
  {
    pattern:
      /Could not connect|Connection refused|Connection reset|Server closed the connection|Error reading|I\/O error|timed? ?out|Broken pipe/i,
    explain: unreachable,
  },
];

/** What redis-cli complained of; undefined when it is nothing that is known. */
export function complaint(stderr: string, connection: Connection): BackupError | undefined {
  const lines = stderr.split('\n');
  for (const { pattern, explain } of COMPLAINTS) {
    const line = lines.find((each) => pattern.test(withoutAddress(each, connection)))?.trim();
    if (line === undefined) continue;
    const { code, message, remedy } = explain(connection, line);
    const denied = /'([^']+)' command/.exec(line)?.[1];
    return new BackupError(code, message, {
      remedy,
      facts: {
        server: describeServer(connection),
        user: describeUser(connection),
        answer: line,
        ...(code === 'access-denied' && denied !== undefined ? { command: denied } : {}),
      },
    });
  }
  return undefined;
}

/** "Could not connect to Redis at /srv/ssl/redis.sock: …": a path or a host can have any word in it, and means none. */
function withoutAddress(line: string, { socket, host, port }: Connection): string {
  return line.replace(socket ?? `${host}:${port}`, '');
}

/** Whether a server said that the user may not run a command; then the error's facts name it. */
export function isDenied(error: unknown): error is BackupError {
  return error instanceof BackupError && error.code === 'access-denied' && error.facts['command'] !== undefined;
}

/** A failure of a program of ours with what the server said, where that tells more. */
export function programComplaint(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const { program, stderr, signal } = error.facts;
  const isClient = typeof program === 'string' && /(?:redis|valkey)-cli$/.test(program);
  // What a killed program said before has nothing to do with its end.
  if (!isClient || typeof stderr !== 'string' || signal !== null) return error;
  return complaint(stderr, connection) ?? error;
}

function wrongPassword(connection: Connection, line: string): Explanation {
  const user = describeUser(connection);
  return {
    code: 'access-denied',
    message: `Redis at ${describeServer(connection)} does not let user "${user}" in: ${line}`,
    remedy: `Create the user as infra/roles/redis.acl shows, give it a password (redis-cli ACL SETUSER ${user} "#SHA-256"), and put the same into the secret that connection.password names.`,
  };
}

function notAllowed(connection: Connection, line: string): Explanation {
  const user = describeUser(connection);
  const command = /'([^']+)' command/.exec(line)?.[1];
  return {
    code: 'access-denied',
    message: `Redis at ${describeServer(connection)} does not allow user "${user}" ${command ?? 'what it needs'}`,
    remedy: `redis-cli ACL SETUSER ${user} +${command ?? 'COMMAND'}, then ACL SAVE or CONFIG REWRITE (all of it: infra/roles/redis.acl)`,
  };
}

function foreign(connection: Connection, line: string): Explanation {
  return {
    code: 'access-denied',
    message: `No TLS connection with Redis at ${describeServer(connection)}: ${line}`,
    remedy:
      'Let connection.ca name the CA that signed the certificate of the server, and connection.port its tls-port.',
  };
}

function protectedMode(connection: Connection): Explanation {
  return {
    code: 'access-denied',
    message: `Redis at ${describeServer(connection)} is in protected mode: it answers on loopback only`,
    remedy: 'Give its users passwords (infra/roles/redis.acl), or run the worker on its host.',
  };
}

function notReady(connection: Connection, line: string): Explanation {
  return {
    code: 'unreachable',
    message: `Redis at ${describeServer(connection)} cannot answer now: ${line}`,
    remedy: 'It is tried again; look at the server log when that lasts.',
  };
}

function unreachable(connection: Connection, line: string): Explanation {
  return {
    code: 'unreachable',
    message: `Redis at ${describeServer(connection)} does not answer: ${line}`,
    remedy:
      connection.socket === undefined
        ? 'Start the server, and look that it listens there (bind, port) and no firewall is between.'
        : `Start the server, and look that its socket is ${connection.socket} (unixsocket, unixsocketperm).`,
  };
}
