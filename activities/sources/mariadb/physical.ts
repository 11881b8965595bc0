/** mariadb-backup: its arguments, and the proof that it did what it says. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Program } from '../../streams/types.ts';
import type { CaptureContext } from '../types.ts';
import { isLoopback, type Connection } from './connection.ts';
import { complaint } from './errors.ts';
import type { Standing } from './facts.ts';
import { readBinlogPosition, readCheckpoints, type BinlogPosition, type Checkpoints } from './position.ts';

/** Less than this is no backup: ibdata1 alone has 10 MB, and an incremental has every .frm again. */
const LEAST = { full: 4 * 2 ** 20, incremental: 64 * 2 ** 10 } as const;

export interface PhysicalBackup {
  readonly connection: Connection;
  /** The parent's LSN folder and its end; undefined for a full. */
  readonly parent: { readonly folder: string; readonly toLsn: string } | undefined;
  /** Bytes of all tables in files, as the server counts them. Page compression leaves a quarter of it at least. */
  readonly bytes: number;
}

export interface Captured {
  /** Folder with mariadb-backup's own record. */
  readonly folder: string;
  readonly checkpoints: Checkpoints;
  readonly binlog: BinlogPosition | null;
}

/**
 * Streams a backup into its artifact. Its exit status and its last words both count.
 * @throws BackupError what the server or the program says; `conflict` when what it read does not follow the parent.
 */
export async function capturePhysical(
  context: CaptureContext<MariadbSource>,
  backup: PhysicalBackup,
): Promise<Captured> {
  const spool = await context.spool();
  const folder = path.join(spool, 'lsn');
  const target = path.join(spool, 'target');
  await mkdir(folder, { mode: 0o700 });
  // It must be there and stays empty: what is streamed is not written.
  await mkdir(target, { mode: 0o700 });
  let last = '';
  const onStderr = (line: string): void => {
    if (line.trim() !== '') last = line;
  };
  const kind = backup.parent ? 'incremental' : 'full';
  const least = kind === 'full' ? Math.max(LEAST.full, Math.floor(backup.bytes / 5)) : LEAST.incremental;
  try {
    await context.artifacts.stream(program(backup, { folder, target, onStderr }), {
      role: 'base',
      name: 'base.xbstream',
      minPlainBytes: least,
    });
  } catch (error) {
    throw explained(error, backup.connection);
  }
  if (!last.trimEnd().endsWith(' completed OK!')) {
    throw new BackupError('program-failed', `mariadb-backup ended without "completed OK!": ${last}`, {
      facts: { program: 'mariadb-backup' },
    });
  }
  const captured = {
    folder,
    checkpoints: await readCheckpoints(folder),
    binlog: await readBinlogPosition(folder),
  };
  requireFollows(captured.checkpoints, backup.parent?.toLsn);
  return captured;
}

interface Places {
  readonly folder: string;
  readonly target: string;
  readonly onStderr: (line: string) => void;
}

/**
 * No option file at all counts: `/etc/mysql` may speak of another server than the one of the connection. It reads its
 * files three times, so the password cannot come through a pipe, and lies in no file that a kill would leave: only
 * its own user and root see a process's environment.
 */
function program({ connection, parent }: PhysicalBackup, { folder, target, onStderr }: Places): Program {
  const { password, user } = connection;
  return {
    command: 'mariadb-backup',
    args: [
      '--no-defaults',
      '--backup',
      '--stream=xbstream',
      `--target-dir=${target}`,
      `--tmpdir=${target}`,
      `--extra-lsndir=${folder}`,
      ...(parent ? [`--incremental-basedir=${parent.folder}`] : []),
      `--user=${user}`,
      ...place(connection),
    ],
    env: {
      MYSQL_PWD: password,
      MYSQL_HOST: undefined,
      MYSQL_TCP_PORT: undefined,
      MYSQL_UNIX_PORT: undefined,
      // What it prints is parsed, and its dates are recorded.
      LC_ALL: 'C',
      TZ: 'UTC',
    },
    cwd: '/',
    onStderr,
  };
}

function place({ socket, host, port, ca }: Connection): readonly string[] {
  if (socket !== null) return [`--socket=${socket}`];
  const encrypted = isLoopback(host) ? [] : ['--ssl'];
  const tls = ca === undefined ? encrypted : [`--ssl-ca=${ca}`, '--ssl-verify-server-cert'];
  return [`--host=${host}`, `--port=${port}`, '--protocol=tcp', ...tls];
}

/** A future LSN gives a backup of nothing, with rc 0 and "completed OK". */
function requireFollows({ type, fromLsn, toLsn, lastLsn }: Checkpoints, parentLsn: string | undefined): void {
  const wanted = parentLsn ?? '0';
  const wantedType = parentLsn === undefined ? 'full-backuped' : 'incremental';
  const rises = BigInt(toLsn) >= BigInt(fromLsn) && BigInt(lastLsn) >= BigInt(toLsn);
  if (fromLsn === wanted && type === wantedType && rises) return;
  throw new BackupError(
    'conflict',
    `mariadb-backup read a backup of type ${type} from LSN ${fromLsn} to ${toLsn}, where one from ${wanted} was to be made. Nothing was published.`,
    {
      remedy: 'The next backup is a full: remove the LSN folder (lsn-*) from the state folder of the source.',
      facts: { type, fromLsn, toLsn, lastLsn, wanted },
    },
  );
}

/**
 * mariadb-backup takes the server's word for where its files are, and reads whatever lies there: of a server in a
 * container that may be the folder of another one. Then the redo log that it read ends outside of where the server
 * itself was, before and after.
 */
export function requireSameServer(
  { lastLsn }: Checkpoints,
  before: Pick<Standing, 'lsn'>,
  after: Pick<Standing, 'lsn'>,
): void {
  if (BigInt(before.lsn) <= BigInt(lastLsn) && BigInt(lastLsn) <= BigInt(after.lsn)) return;
  throw new BackupError(
    'conflict',
    `What was read ends at LSN ${lastLsn}, but the server was at ${before.lsn} before and at ${after.lsn} after it: the files are another server's, or it was restarted on others.`,
    {
      remedy:
        'Let the worker see the data folder of the very server that the connection names, at the same path, or set "method: logical".',
      facts: { lastLsn, before: before.lsn, after: after.lsn },
    },
  );
}

/** mariadb-backup prints the server's answers in words of its own. */
function explained(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const printed = String(error.facts['stderr'] ?? '');
  if (error.facts['program'] !== 'mariadb-backup') return error;
  const refused = /Failed to connect to MariaDB server: (.*)/.exec(printed)?.[1];
  if (refused !== undefined) {
    const denied = /Access denied/.test(refused);
    return complaint(`ERROR ${denied ? 1045 : 2002}: ${refused}`, connection, error) ?? error;
  }
  const lacks = /(Access denied; you need .*? for this operation|missing required privilege .*)/.exec(printed)?.[1];
  if (lacks !== undefined) return complaint(`ERROR 1227: ${lacks}`, connection, error) ?? error;
  if (/Lost connection|server has gone away|Server shutdown in progress/i.test(printed)) {
    return complaint('ERROR 2013: the connection was lost while it was backed up', connection, error) ?? error;
  }
  return error;
}
