/** The process of a private server: it runs as an unprivileged user, and ends with the worker. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PASSABLE } from '../../storage/scratch.ts';
import { socketFolder as shortFolder } from '../../storage/socket-folder.ts';
import { locate } from '../../streams/locate.ts';
import { enclosedBy, type Enclosed } from './enclosure.ts';
import { becoming, type ServerUser } from './user.ts';

export interface ServerCommand {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly user: ServerUser | undefined;
  /** File for its messages, which are appended. */
  readonly log: string;
  /** What it gets when the worker dies. */
  readonly deathSignal: 'KILL' | 'QUIT';
  readonly env?: Readonly<Record<string, string>>;
  /** It is cut off from network, sockets and files of this machine but these, as far as this allows it. */
  readonly enclosed?: Enclosed | undefined;
  /** Where the process that is started only stands for the server, as `docker exec` does: how that is signalled. */
  readonly send?: (signal: NodeJS.Signals) => Promise<void>;
  /** And what that does: cumulative ticks of CPU and I/O. */
  readonly activity?: () => Promise<number>;
}

export interface ServerProcess {
  readonly pid: number;
  /** Cumulative ticks of CPU and I/O, where /proc does not tell them by the pid. */
  readonly activity?: (() => Promise<number>) | undefined;
  /** What was run, word for word, behind what cuts it off: also what makes it another user and ends it with the worker. */
  readonly command: readonly string[];
  /** True until it ended, by itself or by `end`. */
  readonly running: () => boolean;
  /** Sends one signal after the other, each with a minute's patience, until it has ended. Idempotent. */
  readonly end: (...signals: readonly NodeJS.Signals[]) => Promise<void>;
}

const STOP_PATIENCE = 60_000;

export async function startProcess(options: ServerCommand): Promise<ServerProcess> {
  const { child, command } = await spawnServer(options);
  const exited = once(child, 'exit');
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    activity: options.activity,
    command,
    running,
    end: async (...signals) => {
      for (const signal of signals) {
        if (!running()) return;
        if (options.send) await options.send(signal);
        else child.kill(signal);
        const timer = new AbortController();
        const patience = wait(STOP_PATIENCE, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
        await Promise.race([exited, patience]);
        timer.abort();
      }
    },
  };
}

async function spawnServer({
  command,
  user,
  log,
  deathSignal,
  env = {},
  enclosed,
}: ServerCommand): Promise<{ readonly child: ChildProcess; readonly command: readonly string[] }> {
  const output = await open(log, 'a', 0o600);
  try {
    // A group of its own, so that ^C on the terminal reaches only us, and the server is stopped in order.
    const { prefix = [], privileges = [], isUser = false } = enclosed ? await enclosedBy(enclosed, user) : {};
    const identity = user && !isUser ? becoming(user) : [];
    // The last that is set is the signal: a change of user, or of the namespace of users, may clear it.
    const ends = [locate('setpriv'), '--pdeathsig', deathSignal, ...privileges, ...identity, '--', ...command];
    const [program = '', ...args] = [...prefix, ...ends];
    const child = spawn(program, args, {
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', ...env },
      detached: true,
    });
    await once(child, 'spawn');
    return { child, command: ends };
  } finally {
    await output.close();
  }
}

export interface SocketFolder {
  readonly folder: string;
  /** Removes it where it was made for this. */
  readonly remove: () => Promise<void>;
}

/**
 * `wanted`, or a short one in its place: the path of a socket, with `name` in it, has at most 107 bytes. What a killed process has left of such the next
 * one removes.
 */
export async function socketFolder(wanted: string, name: string, user: ServerUser | undefined): Promise<SocketFolder> {
  if (Buffer.byteLength(path.join(wanted, name)) <= 107) return { folder: wanted, remove: async () => undefined };
  // Around that of the server's user one of our own: what belongs to somebody else is swept by nobody.
  const own = await shortFolder(SHORT);
  await chmod(own, PASSABLE);
  const folder = path.join(own, 's');
  await mkdir(folder, { mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
  return { folder, remove: () => rm(own, { recursive: true, force: true }) };
}

const SHORT = 'mosaic-server-';
