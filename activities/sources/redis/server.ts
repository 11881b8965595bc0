/**
 * Private servers: for checks and preparations of what was restored, and for tests. They run as an unprivileged user
 * with a socket of their own, listen nowhere unless told to, replicate nothing, save nothing by themselves, and end
 * with the worker. No configuration of production is read.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import { locate } from '../../streams/locate.ts';
import type { Work } from '../../work.ts';
import { stopIfCancelled } from '../postgres/cancelled.ts';
import { barrier, giveTo, type ServerUser } from '../postgres/server-user.ts';
import { whileServerWorks } from '../postgres/server-watch.ts';
import type { Connection } from './connection.ts';
import { gatherInfo } from './facts.ts';
import { redisUser } from './server-user.ts';
import type { Info } from './taken.ts';

export interface ServerOptions {
  /** The data folder. It is given to the user that the server runs as. */
  readonly data: string;
  /** redis-server or valkey-server. */
  readonly program: string;
  /** An existing folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** A redis.conf. None by default, so that nothing of production's counts. */
  readonly config?: string;
  /** By name, as in redis.conf. They win over the file, and over what is set here. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly work: Work;
}

export interface PrivateServer {
  readonly pid: number;
  readonly socket: string;
  readonly log: string;
  /** As the default user, by socket. */
  readonly connection: Connection;
  /** The first look at it, once it had loaded everything. */
  readonly loaded: Info;
  running(): boolean;
  /** Ends it and waits for it. The append-only file is complete afterwards; no RDB is written. Idempotent. */
  stop(): Promise<void>;
}

/** The longest path that a socket may have, less the name of ours. */
const SOCKET_FOLDER_BYTES = 107 - '/redis.sock'.length;
const POLL = 30;
const STOP_PATIENCE = 60_000;

const SETTINGS = {
  port: '0',
  save: '',
  daemonize: 'no',
  unixsocketperm: '700',
  // A file that was cut off must not be loaded as if it were whole.
  'aof-load-truncated': 'no',
  'auto-aof-rewrite-percentage': '0',
} as const;

/**
 * Starts a server and waits until it has loaded everything.
 * @throws BackupError `program-failed` with the end of its log; `refused` when its user cannot reach the folder.
 */
export async function startServer(options: ServerOptions): Promise<PrivateServer> {
  const { data, runtime, work } = options;
  stopIfCancelled(work.signal);
  const user = await redisUser();
  await requireReach(user, data);
  await giveTo(user, data, work.signal);
  await giveTo(user, runtime, work.signal);
  const folder = await socketFolder(runtime, user);
  const log = path.join(runtime, 'server.log');
  const socket = path.join(folder, 'redis.sock');
  const child = await spawnServer(options, user, socket, log);
  const exited = once(child, 'exit');
  const running = () => child.exitCode === null && child.signalCode === null;
  const end = async () => {
    await endBy(child, exited, running);
    if (folder !== runtime) await rm(folder, { recursive: true, force: true });
  };
  const abort = () => void child.kill('SIGKILL');
  work.signal.addEventListener('abort', abort, { once: true });
  const stop = async () => {
    work.signal.removeEventListener('abort', abort);
    await end();
  };
  const connection = { host: '', port: 0, socket, user: undefined, password: undefined, ca: undefined };
  const pid = child.pid ?? 0;
  try {
    const loaded = await whileServerWorks({ pid, phase: 'loading', work }, (watched) =>
      untilLoaded(connection, watched.signal, running, log),
    );
    return { pid, socket, log, connection, loaded, running, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function requireReach(user: ServerUser | undefined, data: string): Promise<void> {
  const closed = await barrier(user, data);
  if (closed === undefined) return;
  throw new BackupError('refused', `A private Redis server cannot reach ${data}: its user may not pass ${closed}`, {
    remedy: `Choose another folder, or let others pass through: chmod o+x ${closed}`,
    facts: { folder: closed },
  });
}

async function socketFolder(runtime: string, user: ServerUser | undefined): Promise<string> {
  if (Buffer.byteLength(runtime) <= SOCKET_FOLDER_BYTES) return runtime;
  const short = await mkdtemp(path.join(tmpdir(), 'mosaic-'));
  if (user) await chown(short, user.uid, user.gid);
  return short;
}

async function spawnServer(
  { program, data, config, settings = {} }: ServerOptions,
  user: ServerUser | undefined,
  socket: string,
  log: string,
): Promise<ChildProcess> {
  const all = { ...SETTINGS, dir: data, unixsocket: socket, ...settings };
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const identity = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  const output = await open(log, 'a', 0o600);
  try {
    const args = [
      '--pdeathsig',
      'KILL',
      ...identity,
      '--',
      program,
      ...(config === undefined ? [] : [config]),
      ...words,
    ];
    // A group of its own, so that ^C on the terminal reaches only us, and the server is stopped in order.
    const child = spawn(locate('setpriv'), args, {
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      detached: true,
    });
    await once(child, 'spawn');
    return child;
  } finally {
    await output.close();
  }
}

async function endBy(child: ChildProcess, exited: Promise<unknown>, running: () => boolean): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!running()) return;
    child.kill(signal);
    const timer = new AbortController();
    const patience = wait(STOP_PATIENCE, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
    await Promise.race([exited, patience]);
    timer.abort();
  }
}

async function untilLoaded(
  connection: Connection,
  signal: AbortSignal,
  running: () => boolean,
  log: string,
): Promise<Info> {
  for (;;) {
    stopIfCancelled(signal);
    if (!running()) throw await startFailed(log);
    const info = await lookAt(connection, signal);
    if (info && !info.persistence.loading) return info;
    await wait(POLL);
  }
}

async function lookAt(connection: Connection, signal: AbortSignal): Promise<Info | undefined> {
  try {
    return await gatherInfo({ connection, signal });
  } catch (error) {
    // It does not listen yet, or says that it is loading.
    if (error instanceof BackupError && error.code === 'unreachable') return undefined;
    throw error;
  }
}

async function startFailed(log: string): Promise<BackupError> {
  const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-20);
  // "1234:M 24 Nov 2026 01:44:10.457 # Bad file format …": what follows the mark is the message.
  const told = tail.map((line) => /^\d+:\w .*? # (.*)$/.exec(line)?.[1]).filter((line) => line !== undefined);
  const why = told.at(-1) ?? tail.at(-1) ?? 'it left no message';
  return new BackupError('program-failed', `The private Redis server did not start: ${why}`, {
    remedy: 'Look at the messages of the server below.',
    facts: { program: 'redis-server', log: tail },
  });
}
