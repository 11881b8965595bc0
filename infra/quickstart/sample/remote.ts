/** What the sample's places behind a server have in common: each file makes one, starts it, and knows it again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { locate } from '../../../activities/streams/locate.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SamplePlace } from './place.ts';
import { listens } from './ports.ts';

/** A server of the sample that takes copies, and the one destination that it is. */
export interface SampleRemote {
  /** Its destination's name in the config. */
  readonly destination: string;
  /** For messages: `S3`. */
  readonly engine: string;
  /** Makes its folder and its keys where there are none, and starts it; it ends with this process at the latest. */
  start(place: SamplePlace): Promise<RunningRemote>;
  /** Whether a command line is that of a server of this kind, and on which folder. */
  servesFrom(words: readonly string[]): string | undefined;
}

export interface RunningRemote {
  /** What the config says of it. */
  readonly config: NonNullable<SiteInput['destinations']>[string];
  stop(): Promise<void>;
}

/** Milliseconds. */
const STARTS_WITHIN = 20_000;
const ENDS_WITHIN = 5_000;
const POLL = 20;

export interface ServerStart {
  readonly engine: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where it will listen, on the loopback interface. */
  readonly port: number;
  /** How to see why it does not start. */
  readonly remedy: string;
}

/**
 * Starts a server and waits until it takes connections.
 * @returns how to end it. @throws BackupError `failed` when it does not start; then it does not run.
 */
export async function startServer(start: ServerStart): Promise<() => Promise<void>> {
  const { command, env, port, engine, remedy } = start;
  const server = spawn(locate('setpriv'), ['--pdeathsig', 'KILL', '--', ...command], { stdio: 'ignore', env });
  const deadline = Date.now() + STARTS_WITHIN;
  while (!(await listens(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      await end(server);
      throw new BackupError('failed', `The sample's ${engine} server does not start.`, { remedy });
    }
    await pause(POLL);
  }
  return () => end(server);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const killing = setTimeout(() => server.kill('SIGKILL'), ENDS_WITHIN);
  await ended;
  clearTimeout(killing);
}
