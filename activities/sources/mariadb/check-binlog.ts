/** The binary log between the end of a backup and the snapshot by which its rows were read: in the backup, and replayed by a check. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { Work } from '../../work.ts';
import type { BackupReader, CaptureContext } from '../types.ts';
import { familyOf, listBinlogs, numberOf } from './binlogs.ts';
import { optionFile, type Connection } from './connection.ts';
import { withReplayServer } from './replay-server.ts';
import { clientProgram } from './session.ts';

/** Role and name of the artifact: what mariadb-binlog makes of that range. */
export const CHECK_BINLOG = { role: 'check-binlog', name: 'check-binlog.sql' } as const;

export interface Place {
  readonly file: string;
  readonly position: number;
}

/** Streams what was written between two places; nothing where they are the same. @throws BackupError where it cannot be had. */
export async function captureBinlog(
  { artifacts, work }: CaptureContext<MariadbSource>,
  connection: Connection,
  from: Place,
  to: Place,
): Promise<void> {
  if (from.file === to.file && from.position === to.position) return;
  const files = (await listBinlogs(connection, { signal: work.signal }))
    .map(({ name }) => name)
    .filter((name) => familyOf(name) === familyOf(from.file))
    .filter((name) => numberOf(from.file) <= numberOf(name) && numberOf(name) <= numberOf(to.file));
  let warned = '';
  const reader = {
    command: 'mariadb-binlog',
    args: [
      '--defaults-file=/dev/fd/3',
      '--read-from-remote-server',
      `--start-position=${from.position}`,
      `--stop-position=${to.position}`,
      ...files,
    ],
    inputs: [optionFile(connection)],
    env: {
      MYSQL_PWD: undefined,
      MYSQL_HOST: undefined,
      MYSQL_TCP_PORT: undefined,
      MYSQL_UNIX_PORT: undefined,
      LC_ALL: 'C',
    },
    cwd: '/',
    onStderr(line: string) {
      if (/WARNING|ERROR/.test(line)) warned ||= line;
    },
  };
  await artifacts.stream(reader, { ...CHECK_BINLOG, minPlainBytes: 1 });
  // "Did not reach stop position … before end of input", with rc 0.
  if (warned !== '') throw new BackupError('failed', `The binary log behind the backup was not read whole: ${warned}`);
}

/** Replays it onto what was restored; nothing where there is none. @throws BackupError `verification-failed`. */
export async function replayBinlog(backup: BackupReader, restored: string, work: Work): Promise<void> {
  const stored = backup.manifest.artifacts.find(({ role }) => role === CHECK_BINLOG.role);
  if (!stored) return;
  const workshop = path.join(restored, '.mosaic-check');
  await mkdir(workshop, { mode: 0o700 });
  const { engine } = backup.manifest;
  try {
    await withReplayServer({ data: restored, runtime: workshop, engine, work }, (connection) =>
      backup.into(stored.role, stored.name, clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G'])),
    );
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    const why = `The binary log up to the moment whose rows are known cannot be replayed: ${error.message}`;
    throw new BackupError('verification-failed', why, { facts: error.facts, cause: error });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}
