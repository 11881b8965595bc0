/**
 * Questions to a server, by its own client program: one process a question, its answer parsed. The client speaks
 * whatever way of logging in the server wants, sockets and TLS included.
 */
import type { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import { optionFile, type Connection } from './connection.ts';
import { clientError } from './errors.ts';

export interface SessionOptions {
  readonly signal: AbortSignal;
  /** Seconds to wait for whoever has locked a table. */
  readonly lockWait?: number;
}

/** The program `mariadb` on a connection, for streams too. What it prints is one line a row, unescaped. */
export function clientProgram(connection: Connection, args: readonly string[] = []) {
  return {
    command: 'mariadb',
    args: [
      '--defaults-file=/dev/fd/3',
      '--batch',
      '--raw',
      '--skip-column-names',
      '--default-character-set=utf8mb4',
    ].concat(args),
    inputs: [optionFile(connection)],
    // An option in the environment would win over the file.
    env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
    cwd: '/',
  };
}

/**
 * Runs a query of one column that is a JSON object (JSON_OBJECT) and parses its rows: so no value can be taken for
 * a separator. Fails with a BackupError that tells what the server answered.
 */
export async function rows<Row>(
  connection: Connection,
  schema: z.ZodType<Row>,
  sql: string,
  options: SessionOptions,
): Promise<readonly Row[]> {
  const printed = await run(connection, sql, options);
  return printed.map((line) => schema.parse(JSON.parse(line)));
}

/** Runs statements; the lines that they print. */
export async function run(
  connection: Connection,
  sql: string,
  { signal, lockWait = 10 }: SessionOptions,
): Promise<readonly string[]> {
  try {
    const { stdout } = await runProgram(clientProgram(connection), { signal, input: `${fixed(lockWait)}\n${sql};\n` });
    return stdout === '' ? [] : stdout.split('\n');
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') throw clientError(error, connection);
    throw error;
  }
}

/** What no setting of the server may change: how literals are read, what times mean, how long we wait for a lock. */
export function fixed(lockWait: number): string {
  return `SET SESSION sql_mode = '', time_zone = '+00:00', max_statement_time = 0, lock_wait_timeout = ${lockWait};`;
}

/** A text as an SQL literal, under the sql_mode that sessions here have. */
export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A name as SQL wants it. Always quoted: a table may be called `order`. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
