/**
 * Private MariaDB servers: for checks of what was restored, for loading dumps and for tests. They run as an
 * unprivileged user with a socket folder of their own, have no network unless told to, and end with the worker.
 */
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import type { Work } from '../../work.ts';
import { socketFolder, startProcess, type ServerProcess, type SocketFolder } from '../private-server/process.ts';
import { giveTo, requireReach, type ServerUser } from '../private-server/user.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import type { Connection } from './connection.ts';
import { serverUser } from './server-user.ts';
import { run } from './session.ts';

export interface ServerOptions {
  /** The data folder. It is given to the user that the server runs as. */
  readonly data: string;
  /** An empty folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** The account to ask as; whoever this process is where absent. */
  readonly user?: string;
  readonly password?: string;
  /** Arguments after those that isolate it: they win. */
  readonly args?: readonly string[];
  /** Cut off from every network, where this machine allows it. */
  readonly offline?: boolean;
  readonly signal: AbortSignal;
  /** Where a recovery may take long: progress is reported, and a standstill ends it. */
  readonly work?: Work;
}

export interface PrivateServer {
  readonly pid: number;
  /** By which it runs, word for word. */
  readonly command: readonly string[];
  /** File with the server's messages. */
  readonly log: string;
  /** By socket, as the account of the options. */
  readonly connection: Connection;
  /** True until it ended, by itself or by `stop`. */
  running(): boolean;
  /** Ends it and waits for it: `fast` in order, `immediate` like a crash. Idempotent. */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

/**
 * Nothing of the machine's configuration counts, nothing listens, nothing that production scheduled, replicated or
 * logged goes on, and no file outside the data folder is followed.
 */
const ISOLATED = [
  '--no-defaults',
  '--skip-networking',
  '--skip-slave-start',
  '--skip-log-bin',
  '--event-scheduler=OFF',
  '--skip-symbolic-links',
  '--local-infile=OFF',
  '--performance-schema=OFF',
  '--innodb-buffer-pool-dump-at-shutdown=OFF',
  '--innodb-buffer-pool-load-at-startup=OFF',
  '--innodb-buffer-pool-size=128M',
] as const;

/** Lets in whoever reaches the socket, whatever accounts were restored, and loads no plugin that production installed. */
export const WITHOUT_ACCOUNTS = '--skip-grant-tables';

const POLL = 50;

/**
 * Starts a server and waits until it answers.
 * @throws BackupError `program-failed` with the end of its log; `refused` when its user cannot reach the folder.
 */
export async function startServer(options: ServerOptions): Promise<PrivateServer> {
  const { data, runtime, signal } = options;
  stopIfCancelled(signal);
  const user = await serverUser();
  await requireReach('MariaDB', user, data);
  await giveTo(user, data, signal);
  await giveTo(user, runtime, signal);
  const { folder, remove } = await closedFolder(runtime, user);
  const log = path.join(runtime, 'server.log');
  const child = await startProcess({
    command: commandOf(options, folder),
    user,
    log,
    deathSignal: 'KILL',
    enclosed: options.offline ? { writable: [data, runtime, folder] } : undefined,
    env: { TZ: 'UTC' },
  });
  const server = handle(child, { socket: path.join(folder, 'server.sock'), log, account: accountOf(options) });
  const abort = () => void server.stop('immediate');
  signal.addEventListener('abort', abort, { once: true });
  async function end(how?: 'fast' | 'immediate'): Promise<void> {
    signal.removeEventListener('abort', abort);
    await server.stop(how);
    await remove();
  }
  try {
    await answering(server, options);
    return { ...server, stop: end };
  } catch (error) {
    await end('immediate');
    throw error;
  }
}

/** Makes a new data folder with the system tables; the user of this process is let in by socket, with all rights. */
export async function createDataFolder({
  data,
  signal,
  args = [],
}: Pick<ServerOptions, 'data' | 'signal' | 'args'>): Promise<void> {
  const user = await serverUser();
  await requireReach('MariaDB', user, data);
  await giveTo(user, data, signal);
  const temporary = await mkdtemp(path.join(tmpdir(), 'mosaic-'));
  try {
    await giveTo(user, temporary, signal);
    await runProgram(
      {
        command: 'mariadb-install-db',
        args: [
          '--no-defaults',
          `--datadir=${data}`,
          // What is called #sql… in it is removed first: in /tmp, the temporary tables of every other server.
          `--tmpdir=${temporary}`,
          '--auth-root-authentication-method=socket',
          `--auth-root-socket-user=${userInfo().username}`,
          '--skip-test-db',
          ...args,
        ],
        cwd: '/',
        ...(user ? { user } : {}),
      },
      { signal },
    );
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Closed to all others: the server makes its socket for everybody, and may ask nobody who he is. */
async function closedFolder(runtime: string, user: ServerUser | undefined): Promise<SocketFolder> {
  const { folder, remove } = await socketFolder(path.join(runtime, 'private'), 'server.sock', user);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  if (user) await chown(folder, user.uid, user.gid);
  return {
    folder,
    async remove() {
      await rm(folder, { recursive: true, force: true });
      await remove();
    },
  };
}

function commandOf({ data, runtime, args = [] }: ServerOptions, folder: string): readonly [string, ...string[]] {
  const places = [
    `--datadir=${data}`,
    `--socket=${path.join(folder, 'server.sock')}`,
    `--pid-file=${path.join(runtime, 'server.pid')}`,
    `--tmpdir=${runtime}`,
  ];
  return [locate('mariadbd'), ...ISOLATED, ...places, ...args];
}

function accountOf({ user, password }: ServerOptions): Handled['account'] {
  return { user: user ?? userInfo().username, password };
}

interface Handled {
  readonly socket: string;
  readonly log: string;
  readonly account: Pick<Connection, 'user' | 'password'>;
}

function handle({ pid, command, running, end }: ServerProcess, { socket, log, account }: Handled): PrivateServer {
  const connection: Connection = {
    socket,
    host: 'localhost',
    port: 0,
    ...account,
    ca: undefined,
  };
  return {
    pid,
    command,
    log,
    connection,
    running,
    stop: (how = 'fast') => (how === 'fast' ? end('SIGTERM', 'SIGKILL') : end('SIGKILL')),
  };
}

async function answering(server: PrivateServer, { signal, work }: ServerOptions): Promise<void> {
  if (!work) return untilAnswering(server, signal);
  const { pid } = server;
  return whileServerWorks({ pid, phase: 'recovering', work }, (watched) => untilAnswering(server, watched.signal));
}

async function untilAnswering(server: PrivateServer, signal: AbortSignal): Promise<void> {
  for (;;) {
    stopIfCancelled(signal);
    if (!server.running()) throw await startFailed(server);
    if (await answers(server, signal)) return;
    await wait(POLL);
  }
}

async function answers({ connection }: PrivateServer, signal: AbortSignal): Promise<boolean> {
  try {
    await run(connection, 'SELECT 1', { signal });
    return true;
  } catch (error) {
    // It does not listen yet.
    if (error instanceof BackupError && error.code === 'unreachable') return false;
    throw error;
  }
}

async function startFailed({ log }: PrivateServer): Promise<BackupError> {
  const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-30);
  const why = tail.find((line) => /\[ERROR\]/.test(line)) ?? tail.at(-1) ?? 'it left no message';
  return new BackupError('program-failed', `The private MariaDB server did not start: ${why}`, {
    remedy: 'Look at the messages of the server below.',
    facts: { program: 'mariadbd', log: tail },
  });
}
