/** pg_dump and pg_dumpall as stages of a pipeline. */
import path from 'node:path';
import type { Program } from '../../../streams/types.ts';
import type { Binaries } from '../binaries.ts';
import { libpqEnvironment, type Connection } from '../connection.ts';
import { APPLICATION } from '../application.ts';

export interface Dumping {
  readonly binaries: Binaries;
  readonly connection: Connection;
}

/** Milliseconds that a dump waits for whoever has locked a table: others queue behind it meanwhile. */
const LOCK_WAIT = 60_000;

/**
 * One database as of a snapshot, in pg_restore's custom format, which streams. Not compressed: that is zstd's part.
 * The name is in the environment, where no "=" or "//" in it makes it a connection string.
 */
export function dumpDatabase({ binaries, connection }: Dumping, database: string, snapshot: string): Program {
  return {
    command: path.join(binaries.folder, 'pg_dump'),
    args: [
      '--format=custom',
      '--compress=0',
      `--snapshot=${snapshot}`,
      `--lock-wait-timeout=${LOCK_WAIT}`,
      // A word may be reserved by a newer version.
      '--quote-all-identifiers',
      '--no-password',
    ],
    env: libpqEnvironment({ ...connection, database }, APPLICATION),
    cwd: '/',
  };
}

/**
 * What belongs to the whole server, as pg_dumpall -g prints it, in two parts: roles can be made again anywhere, while
 * tablespaces name folders of this machine.
 */
export function dumpGlobals({ binaries, connection }: Dumping, what: 'roles' | 'tablespaces'): Program {
  return {
    command: path.join(binaries.folder, 'pg_dumpall'),
    args: [`--${what}-only`, `--database=${connection.database}`, '--quote-all-identifiers', '--no-password'],
    env: libpqEnvironment(connection, APPLICATION),
    cwd: '/',
  };
}
