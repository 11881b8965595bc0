/** Child processes of a test: Node programs that answer on stdout, line by line, and are killed and stopped for real. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly pid: number;
  /** The next line that it writes; fails when it ends without one. */
  line(): Promise<string>;
  /** Sends it a line. */
  send(line: string): void;
  /** Sends a signal; after SIGKILL waits for its end, after SIGSTOP until it is stopped. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Waits until it has stopped itself. */
  stopped(): Promise<void>;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

const children = new Set<Child>();

/** Starts a program of this test tree with one JSON argument. */
export function startChild(script: URL, input: unknown): Child {
  const spawned = spawn(process.execPath, [script.pathname, JSON.stringify(input)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { pid } = spawned;
  if (pid === undefined) throw new Error(`${script.pathname} did not start`);
  // Sending to a child that has just been killed is no failure of the test.
  spawned.stdin.on('error', () => undefined);
  const lines = createInterface({ input: spawned.stdout })[Symbol.asyncIterator]();
  const ended = once(spawned, 'exit').then(([code]: (number | null)[]) => code ?? null);

  async function stopped(): Promise<void> {
    while (!/^\d+ \(.*\) T /.test(await readFile(`/proc/${pid}/stat`, 'latin1'))) await sleep(5);
  }

  const child: Child = {
    pid,
    ended,
    stopped,
    async line() {
      const { done, value } = await lines.next();
      if (done === true) throw new Error(`${script.pathname} ended without an answer`);
      return value;
    },
    send: (line) => void spawned.stdin.write(`${line}\n`),
    async signal(signal) {
      process.kill(pid, signal);
      if (signal === 'SIGKILL') await ended;
      if (signal === 'SIGSTOP') await stopped();
    },
  };
  children.add(child);
  void ended.then(() => children.delete(child));
  return child;
}

/** Kills what is left. Call it in `after`. */
export async function endChildren(): Promise<void> {
  for (const child of children) {
    process.kill(child.pid, 'SIGKILL');
    await child.ended;
  }
}
