/**
 * Private PostgreSQL servers: for checks of what was restored, for the sample stack and for tests. They run as an
 * unprivileged user with a socket folder of their own, listen nowhere unless told to, and end with the worker.
 */
import { chown, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { runProgram } from '../../streams/run.ts';
import type { Connection } from './connection.ts';
import type { Work } from '../../work.ts';
import type { ServerProcess } from '../private-server/process.ts';
import { PROCESSES } from '../private-server/processes.ts';
import type { Sandbox } from '../private-server/sandbox.ts';
import { giveTo, requireReach, type ServerUser } from '../private-server/user.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import { serverUser } from './server-user.ts';
import { withSession } from './session.ts';

export interface ServerOptions {
  /** The data folder. It is given to the user that the server runs as. */
  readonly data: string;
  /** Folder with `postgres`. */
  readonly binaries: string;
  /** A superuser that may log in: the server's own health is asked as this role. */
  readonly superuser: string;
  /** An empty folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** Only names the socket file unless `listen` is set. */
  readonly port?: number;
  /** listen_addresses; nothing by default. */
  readonly listen?: string;
  /** Settings by name. They win over every file. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * With true no file of the data folder decides anything: configuration, host-based access and user maps are
   * the server's own, so that nothing that production configured is executed or reached; and it is cut off from every
   * network, where this machine allows it.
   */
  readonly isolated?: boolean;
  /** Where it runs, and has its programs; absent: as a process of this machine. */
  readonly sandbox?: Sandbox | undefined;
  readonly signal: AbortSignal;
  /** Where a recovery may take long: progress is reported, and a standstill ends it. */
  readonly work?: Work;
}

export interface PrivateServer {
  readonly pid: number;
  readonly activity?: ServerProcess['activity'];
  /** By which it runs, word for word. */
  readonly command: readonly string[];
  /** Folder of the socket. */
  readonly socket: string;
  readonly port: number;
  /** File with the server's messages. */
  readonly log: string;
  /** As the superuser, by socket; where it is isolated without any library that production loads in its sessions. */
  readonly connection: Connection;
  /** True until it ended, by itself or by `stop`. */
  running(): boolean;
  /** Ends it and waits for it: `fast` with a checkpoint, `immediate` like a crash. Idempotent. */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

const POLL = 50;

/** Settings that a database or a role was given must not load production's libraries either. */
const WITHOUT_LIBRARIES = '-c session_preload_libraries= -c local_preload_libraries=';

const RECOVERING = z.object({ recovering: z.boolean() });

/**
 * Starts a server and waits until it has left recovery: pg_is_in_recovery() = f is success, nothing else is.
 * @throws BackupError `program-failed` with the end of its log; `refused` when its user cannot reach the folder.
 */
export async function startServer(options: ServerOptions): Promise<PrivateServer> {
  const { data, runtime, signal, superuser, port = 5432, sandbox = PROCESSES } = options;
  stopIfCancelled(signal);
  const user = await serverUser();
  await requireReach('PostgreSQL', user, data);
  await giveTo(user, data, signal);
  await giveTo(user, runtime, signal);
  const { folder: socket, remove } = await sandbox.socketFolder(runtime, '.s.PGSQL.65535', user);
  const log = path.join(runtime, 'server.log');
  const own = {
    ...(options.isolated ? await isolate(runtime, user) : {}),
    port: String(port),
    unix_socket_directories: socket,
  };
  const child = await sandbox.start({
    command: commandOf(options, own),
    user,
    log,
    // QUIT, not KILL: the server ends at once all the same, but takes its shared memory with it.
    deathSignal: 'QUIT',
    enclosed: options.isolated
      ? { writable: [data, runtime, socket], programs: [path.dirname(options.binaries)] }
      : undefined,
  });
  const server = handle(child, { socket, port, log, superuser, isolated: options.isolated === true });
  const abort = () => void server.stop('immediate');
  signal.addEventListener('abort', abort, { once: true });
  const stop: PrivateServer['stop'] = async (how) => {
    signal.removeEventListener('abort', abort);
    await server.stop(how);
    await remove();
  };
  try {
    await recovered(server, options);
    return { ...server, stop };
  } catch (error) {
    await stop('immediate');
    throw error;
  }
}

/** Makes a new cluster with checksums, owned by the user that a private server runs as; local roles are trusted. */
export async function createCluster({
  data,
  binaries,
  superuser,
  signal,
  args = [],
}: Pick<ServerOptions, 'data' | 'binaries' | 'superuser' | 'signal'> & {
  readonly args?: readonly string[];
}): Promise<void> {
  const user = await serverUser();
  await requireReach('PostgreSQL', user, data);
  await giveTo(user, data, signal);
  await runProgram(
    {
      command: path.join(binaries, 'initdb'),
      args: ['-D', data, '-U', superuser, '-A', 'trust', '-k', '-E', 'UTF8', '--no-sync', ...args],
      cwd: '/',
      ...(user ? { user } : {}),
    },
    { signal },
  );
}

/** Files of our own in place of those of the data folder. postgresql.auto.conf is read all the same: see private-start.ts. */
async function isolate(runtime: string, user: ServerUser | undefined): Promise<Readonly<Record<string, string>>> {
  const files = {
    config_file: ['postgresql.conf', '# made by mosaic-backup; settings are on the command line\n'],
    hba_file: ['pg_hba.conf', 'local all all trust\n'],
    ident_file: ['pg_ident.conf', ''],
  } as const;
  const settings: Record<string, string> = {};
  for (const [setting, [name, text]] of Object.entries(files)) {
    const file = path.join(runtime, name);
    await writeFile(file, text, { mode: 0o600 });
    if (user) await chown(file, user.uid, user.gid);
    settings[setting] = file;
  }
  return settings;
}

function commandOf(
  { binaries, data, listen = '', settings = {} }: ServerOptions,
  own: Readonly<Record<string, string>>,
): readonly [string, ...string[]] {
  const all = { ...own, listen_addresses: listen, unix_socket_permissions: '0700', ...settings };
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return [path.join(binaries, 'postgres'), '-D', data, ...options];
}

interface Handled extends Pick<PrivateServer, 'socket' | 'port' | 'log'> {
  readonly superuser: string;
  readonly isolated: boolean;
}

function handle(
  { pid, command, activity, running, end }: ServerProcess,
  { socket, port, log, superuser, isolated }: Handled,
): PrivateServer {
  const connection: Connection = {
    host: socket,
    port,
    user: superuser,
    password: undefined,
    database: 'template1',
    sslmode: 'disable',
    sslrootcert: undefined,
    ...(isolated ? { options: WITHOUT_LIBRARIES } : {}),
  };
  return {
    pid,
    activity,
    command,
    socket,
    port,
    log,
    connection,
    running,
    stop: (how = 'fast') => (how === 'fast' ? end('SIGINT', 'SIGQUIT', 'SIGKILL') : end('SIGQUIT', 'SIGKILL')),
  };
}

async function recovered(server: PrivateServer, { signal, work }: ServerOptions): Promise<void> {
  if (!work) return untilRecovered(server, signal);
  const { pid, activity } = server;
  return whileServerWorks({ pid, activity, phase: 'recovering', work }, (watched) =>
    untilRecovered(server, watched.signal),
  );
}

async function untilRecovered(server: PrivateServer, signal: AbortSignal): Promise<void> {
  for (;;) {
    stopIfCancelled(signal);
    if (!server.running()) throw await startFailed(server);
    if (await hasRecovered(server, signal)) return;
    await wait(POLL);
  }
}

async function hasRecovered(server: PrivateServer, signal: AbortSignal): Promise<boolean> {
  try {
    return await withSession(server.connection, { application: 'mosaic-backup start', signal }, async (session) => {
      const [row] = await session.rows(RECOVERING, 'SELECT pg_catalog.pg_is_in_recovery() AS recovering');
      return row?.recovering === false;
    });
  } catch (error) {
    // It does not listen yet, or says that it is starting up.
    if (error instanceof BackupError && error.code === 'unreachable') return false;
    throw error;
  }
}

async function startFailed({ log }: PrivateServer): Promise<BackupError> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  // Each look at whether it answers yet leaves such a line, after its own last word too.
  const tail = lines.filter((line) => !/FATAL: +the database system is /.test(line)).slice(-20);
  const why = tail.findLast((line) => /FATAL|PANIC/.test(line)) ?? tail.at(-1) ?? 'it left no message';
  return new BackupError('program-failed', `The private PostgreSQL server did not start: ${why}`, {
    remedy: 'Look at the messages of the server below.',
    facts: { program: 'postgres', log: tail },
  });
}
