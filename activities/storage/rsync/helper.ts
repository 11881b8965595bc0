/** A program that runs beside others and listens at a socket: the connection, and the agent that holds its key. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_LIMITS } from '../../streams/limits.ts';
import { commandLine, environment } from '../../streams/programs.ts';
import { endGroups } from '../../streams/signals.ts';
import type { Program } from '../../streams/types.ts';

export interface Helper {
  /** Waits for its socket; false when it ends before, or within `milliseconds` there is none. */
  appears(socket: string, milliseconds: number): Promise<boolean>;
  readonly running: () => boolean;
  /** The end of what it has said on stderr. */
  readonly said: () => string;
  /** Resolves when it has ended, by itself or not. */
  readonly exited: Promise<void>;
  /** Ends it, and tells what it had said. Idempotent. */
  end(): Promise<string>;
}

const POLL = 5;
const GRACE = 2_000;
const KEPT = 8_192;

/** Starts one. It dies with this process, and keeps it from nothing. */
export function startHelper(program: Program): Helper {
  const [command, ...args] = commandLine(program, NO_LIMITS, true);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment(program), cwd: '/' });
  const state = { running: child.pid !== undefined };
  let text = '';
  const exited = once(child, 'close').then(
    () => void (state.running = false),
    (error: Error) => {
      state.running = false;
      text += error.message;
    },
  );
  child.once('exit', () => (state.running = false));
  child.stderr.on('data', (chunk: Buffer) => (text = `${text}${chunk.toString('utf8')}`.slice(-KEPT)));
  // It is never waited for: a process whose work is done ends, and takes it along.
  child.unref();
  if (child.stderr instanceof Socket) child.stderr.unref();

  return {
    running: () => state.running,
    said: () => text,
    exited,
    async appears(socket, milliseconds) {
      const deadline = performance.now() + milliseconds;
      while (state.running && performance.now() < deadline) {
        if (existsSync(socket)) return true;
        await sleep(POLL);
      }
      return false;
    },
    async end() {
      if (state.running) await endGroups([{ pid: child.pid ?? 0, running: () => state.running, exited }], GRACE);
      return text;
    },
  };
}
