/** mariadb-dump: the whole server as statements, for servers whose data folder cannot be seen. */
import { BackupError } from '../../../model/errors.ts';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { Program } from '../../streams/types.ts';
import type { CaptureContext } from '../types.ts';
import { optionFile, type Connection } from './connection.ts';
import { clientError } from './errors.ts';

/** The system database alone is some 400 kB of statements. */
const LEAST_BYTES = 100_000;

/** Streams a dump into its artifact: one snapshot of all tables with transactions. */
export async function captureLogical(
  { artifacts }: CaptureContext<MariadbSource>,
  connection: Connection,
  { binlog }: { readonly binlog: boolean },
): Promise<void> {
  try {
    await artifacts.stream(program(connection, binlog), {
      role: 'base',
      name: 'dump.sql',
      minPlainBytes: LEAST_BYTES,
    });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    throw error.facts['program'] === 'mariadb-dump' ? dumpError(error, connection) : error;
  }
}

function program(connection: Connection, binlog: boolean): Program {
  return {
    command: 'mariadb-dump',
    args: [
      '--defaults-file=/dev/fd/3',
      '--all-databases',
      '--single-transaction',
      '--quick',
      '--routines',
      '--events',
      '--triggers',
      '--hex-blob',
      '--flush-privileges',
      '--default-character-set=utf8mb4',
      // The position, as comments; refused by a server without binary log.
      ...(binlog ? ['--master-data=2', '--gtid'] : []),
    ],
    inputs: [optionFile(connection)],
    env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
    cwd: '/',
  };
}

/** `mariadb-dump: Got error: 1045: "Access denied …" when trying to connect`, in the client's own form. */
export function dumpError(error: BackupError, connection: Connection): BackupError {
  const printed = String(error.facts['stderr'] ?? '');
  const stderr = printed.replace(/[Ee]rror:? (\d+):? (.*)/, 'ERROR $1: $2');
  return clientError(new BackupError(error.code, error.message, { facts: { ...error.facts, stderr } }), connection);
}
