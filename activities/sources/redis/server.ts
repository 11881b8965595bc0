/**
 * Private servers: for checks and preparations of what was restored, and for tests. They run as an unprivileged user
 * with a socket of their own, listen nowhere unless told to, replicate nothing, save nothing by themselves, and end
 * with the worker. No configuration of production is read.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Work } from '../../work.ts';
import type { ServerProcess } from '../private-server/process.ts';
import { PROCESSES } from '../private-server/processes.ts';
import type { Sandbox } from '../private-server/sandbox.ts';
import { giveTo, requireReach } from '../private-server/user.ts';
import { whileServerWorks } from '../private-server/watch.ts';
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
  /** Cut off from every network, where this machine allows it. */
  readonly offline?: boolean;
  /** Where it runs, and has its program; absent: as a process of this machine. */
  readonly sandbox?: Sandbox | undefined;
  readonly work: Work;
}

export interface PrivateServer {
  readonly pid: number;
  readonly activity?: ServerProcess['activity'];
  /** By which it runs, word for word. */
  readonly command: readonly string[];
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

const POLL = 30;

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
  const { data, runtime, sandbox = PROCESSES, work } = options;
  stopIfCancelled(work.signal);
  const user = await redisUser();
  await requireReach('Redis', user, data);
  await giveTo(user, data, work.signal);
  await giveTo(user, runtime, work.signal);
  const { folder, remove } = await sandbox.socketFolder(runtime, 'redis.sock', user);
  const log = path.join(runtime, 'server.log');
  const socket = path.join(folder, 'redis.sock');
  const { pid, command, activity, running, end } = await sandbox.start({
    command: commandOf(options, socket),
    user,
    log,
    deathSignal: 'KILL',
    enclosed: options.offline ? { writable: [data, runtime, folder] } : undefined,
  });
  const abort = () => void end('SIGKILL');
  work.signal.addEventListener('abort', abort, { once: true });
  const stop = async () => {
    work.signal.removeEventListener('abort', abort);
    await end('SIGTERM', 'SIGKILL');
    await remove();
  };
  const connection = { host: '', port: 0, socket, user: undefined, password: undefined, ca: undefined };
  try {
    const loaded = await whileServerWorks({ pid, activity, phase: 'loading', work }, (watched) =>
      untilLoaded(connection, watched.signal, running, log),
    );
    return { pid, command, activity, socket, log, connection, loaded, running, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function commandOf(
  { program, data, config, settings = {} }: ServerOptions,
  socket: string,
): readonly [string, ...string[]] {
  const all = { ...SETTINGS, dir: data, unixsocket: socket, ...settings };
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  return [program, ...(config === undefined ? [] : [config]), ...words];
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
