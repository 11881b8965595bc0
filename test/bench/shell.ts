/** Shell commands: those of the peers, timed and with their memory, and what prepares and checks them. */
import { spawn } from 'node:child_process';
import { watchMemory, type Memory } from './memory.ts';

export interface ShellOptions {
  /** Added to the environment. Commands name folders and passwords by these variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface Timed {
  readonly seconds: number;
  readonly memory: Memory;
  readonly stdout: string;
}

/** Runs a command by bash, where every program of a pipeline counts; fails with the end of its stderr. */
export async function shell(command: string, { env, signal }: ShellOptions): Promise<Timed> {
  signal.throwIfAborted();
  const began = performance.now();
  const child = spawn('bash', ['-e', '-u', '-o', 'pipefail', '-c', command], {
    env: { ...process.env, ...env },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all programs of a pipeline can be ended.
    detached: true,
  });
  const cancel = (): void => endGroup(child.pid);
  signal.addEventListener('abort', cancel, { once: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-4_000)));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    // Not `exit`: the output is read to its end as well.
    child.once('close', (code) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve(performance.now());
      else reject(new Error(`${command}\nended with ${code}: ${stderr.trim()}`));
    });
  });
  const memory = watchMemory(child.pid);
  try {
    const seconds = ((await ended) - began) / 1000;
    return { seconds, memory: memory.stop(), stdout };
  } finally {
    memory.stop();
    signal.removeEventListener('abort', cancel);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
