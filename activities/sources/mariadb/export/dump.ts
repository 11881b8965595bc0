/** mariadb-dump of one database, or of some of its tables. */
import type { Program } from '../../../streams/types.ts';
import { optionFile, type Connection } from '../connection.ts';

const COMMON = [
  '--defaults-file=/dev/fd/3',
  '--single-transaction',
  '--quick',
  '--hex-blob',
  '--no-tablespaces',
  '--default-character-set=utf8mb4',
];

/** Without the name of the database in it: it goes into whichever it is told to. */
export function dumpDatabase(connection: Connection, database: string): Program {
  return program(connection, ['--routines', '--events', '--triggers', '--', database]);
}

/** Columns, keys, indexes and rows. A trigger would keep the table from moving into its database. */
export function dumpTables(connection: Connection, database: string, tables: readonly string[]): Program {
  return program(connection, ['--skip-triggers', '--', database, ...tables]);
}

function program(connection: Connection, args: readonly string[]): Program {
  return {
    command: 'mariadb-dump',
    args: [...COMMON, ...args],
    inputs: [optionFile(connection)],
    env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
    cwd: '/',
  };
}
