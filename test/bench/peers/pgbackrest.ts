/** pgBackRest on the same cluster: encrypted, same codec and level, as many processes as cores. */
import { availableParallelism } from 'node:os';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import type { Peer } from './shell.ts';

export const PGBACKREST = 'pgBackRest';

const CORES = availableParallelism();

/**
 * Its configuration, as variables of the environment, which are printed with the results. It needs no archive for a
 * backup alone, and then stores no WAL: less than ours, which carries what makes it consistent.
 */
const SETTINGS = {
  REPO1_CIPHER_TYPE: 'aes-256-cbc',
  COMPRESS_TYPE: 'zst',
  COMPRESS_LEVEL: String(DEFAULT_COMPRESSION.level),
  PROCESS_MAX: String(CORES),
  START_FAST: 'y',
  ARCHIVE_CHECK: 'n',
  LOG_LEVEL_FILE: 'off',
  LOG_LEVEL_CONSOLE: 'warn',
} as const;

const CONFIG = Object.entries(SETTINGS)
  .map(([name, value]) => `PGBACKREST_${name}=${value}`)
  .join(' ');

/** No file of the machine's configuration counts. */
const PROGRAM = `env ${CONFIG} PGBACKREST_REPO1_PATH="$WORK/repository" PGBACKREST_LOCK_PATH="$WORK/lock" PGBACKREST_SPOOL_PATH="$WORK/spool" pgbackrest --no-config --stanza=bench`;

/** Beside `databaseEnvironment`, and as the cluster's superuser, who reads its files. */
export function pgbackrestEnvironment(data: string, socket: string, port: number): Readonly<Record<string, string>> {
  return {
    PGBACKREST_PG1_PATH: data,
    PGBACKREST_PG1_SOCKET_PATH: socket,
    PGBACKREST_PG1_PORT: String(port),
    PGBACKREST_PG1_USER: 'postgres',
    PGBACKREST_REPO1_CIPHER_PASS: 'of a repository that lives for a minute',
  };
}

/** It syncs each file of its repository by itself. */
export const FULL_BACKUP: Peer = {
  name: PGBACKREST,
  before: `${PROGRAM} stanza-create`,
  command: `${PROGRAM} --type=full backup`,
  check: `${PROGRAM} verify && ${PROGRAM} info | grep -q "full backup"`,
};

/** It digests what it restores, and syncs each file by itself. */
export const FULL_RESTORE: Peer = {
  name: PGBACKREST,
  before: `${FULL_BACKUP.before}; ${FULL_BACKUP.command}`,
  command: `mkdir -m 700 "$WORK/restored"; ${PROGRAM} --pg1-path="$WORK/restored" --type=immediate restore`,
  undo: 'rm -rf "$WORK/restored"',
  check: 'test "$(find "$WORK/restored" -type f | wc -l)" -ge "$FILES" && test -s "$WORK/restored/PG_VERSION"',
};
