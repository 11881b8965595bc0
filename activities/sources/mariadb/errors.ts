/** What a server or the way to it answers, told as one of our errors with what to do about it. */
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import { describeServer, type Connection } from './connection.ts';

interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/** `ERROR 1045 (28000): Access denied …`, also with ` at line 3`. */
const ANSWER = /ERROR (\d+)(?: \([0-9A-Z]{5}\))?(?: at line \d+)?: (.*)/;

/** Error numbers of the server (1…) and of the client library (2…). */
const NUMBERS: Readonly<Record<number, (connection: Connection, text: string) => Explanation>> = {
  1040: tooManyConnections,
  1044: missingPrivilege,
  1045: notAdmitted,
  1130: notAdmitted,
  1142: missingPrivilege,
  1143: missingPrivilege,
  1227: missingPrivilege,
  // A function or trigger, where a binary log is written: that takes SUPER.
  1419: missingPrivilege,
  1698: notAdmitted,
  2002: unreachable,
  2003: unreachable,
  2005: unreachable,
  2006: unreachable,
  2013: unreachable,
  2026: foreign,
};

/** The failure of a client program, as a BackupError that says what the server said. */
export function clientError(error: BackupError, connection: Connection): BackupError {
  const printed = String(error.facts['stderr'] ?? '');
  return complaint(printed, connection, error) ?? error;
}

/** What a program's messages tell of the server or the way to it, where that is more than its exit status. */
export function complaint(printed: string, connection: Connection, cause?: unknown): BackupError | undefined {
  const [, number, answered = ''] = ANSWER.exec(printed) ?? [];
  const text = withoutValues(answered);
  if (number === undefined) return undefined;
  const known = NUMBERS[Number(number)];
  const { code, message, remedy } = known?.(connection, text) ?? {
    code: 'failed' as const,
    message: `MariaDB at ${describeServer(connection)}: ${text}`,
    remedy: 'Look at the error log of the server.',
  };
  return new BackupError(code, message, {
    remedy,
    cause,
    facts: { server: describeServer(connection), account: connection.user, answer: text, number: Number(number) },
  });
}

/** What fails is kept by Temporal, and in logs: the values of rows that the server quotes are none of theirs. */
function withoutValues(answer: string): string {
  return answer
    .replace(/^(Duplicate entry )'.*?(?=( for key '[^']*')?$)/, "$1'…'")
    .replace(/\b(value:? )'.*?(?=( for (?:column|function) .*)?$)/, "$1'…'");
}

function notAdmitted({ user, password, ...server }: Connection, text: string): Explanation {
  return {
    code: 'access-denied',
    message: `MariaDB at ${describeServer(server)} does not let account ${user} in: ${text}`,
    remedy:
      password === undefined
        ? `Without a password only a user of the system called ${user} is let in (unix_socket). Run ALTER USER ${user}@localhost IDENTIFIED BY '…'; as root and name the secret in connection.password, or make the account with infra/roles/mariadb.sql.`
        : `Set it anew as root, ALTER USER ${user}@localhost IDENTIFIED BY '…'; and put the same into the secret that connection.password names.`,
  };
}

function missingPrivilege({ user, ...server }: Connection, text: string): Explanation {
  return {
    code: 'access-denied',
    message: `MariaDB at ${describeServer(server)} denies account ${user} something that it needs: ${text}`,
    remedy: 'As root: mariadb < infra/roles/mariadb.sql',
  };
}

function tooManyConnections(connection: Connection, text: string): Explanation {
  return {
    code: 'unreachable',
    message: `MariaDB at ${describeServer(connection)} has no connection left: ${text}`,
    remedy: 'Close idle connections, or raise max_connections.',
  };
}

function foreign(connection: Connection, text: string): Explanation {
  return {
    code: 'access-denied',
    message: `No encrypted connection to MariaDB at ${describeServer(connection)}: ${text}`,
    remedy:
      'Give the server a certificate (ssl_cert, ssl_key), let connection.ca name the CA that signed it, and connection.host a name that it bears.',
  };
}

function unreachable(connection: Connection, text: string): Explanation {
  return {
    code: 'unreachable',
    message: `MariaDB at ${describeServer(connection)} does not answer: ${text}`,
    remedy:
      connection.socket === null
        ? 'Start the server, and look that it listens there (bind_address, port) and no firewall is between.'
        : `Start the server, and look that its socket is ${connection.socket}.`,
  };
}
