/** Starts the worker-like process, and times a capture in it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CapturedBackup } from '../../../model/run.ts';
import { watchMemory, type Memory } from '../memory.ts';
import type { CaptureAnswer, CaptureOrder } from './messages.ts';

const MAIN = fileURLToPath(new URL('worker-main.ts', import.meta.url));

export interface TimedCapture {
  readonly seconds: number;
  readonly captured: CapturedBackup;
  readonly memory: Memory;
}

export interface WorkerProcess {
  /** From the order to the answer: config, lease, preflight, streams, syncing and seal are all in it. */
  capture(order: CaptureOrder): Promise<TimedCapture>;
  stop(): Promise<void>;
}

/** Starts a process for the site of a config file, and waits until it is ready. */
export async function startWorkerProcess(file: string, signal: AbortSignal): Promise<WorkerProcess> {
  const child = fork(MAIN, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], signal });
  // Reported by `answerOf`.
  child.on('error', () => undefined);
  const ready = await answerOf(child);
  if (ready.kind !== 'ready') throw new Error('the worker process did not begin with "ready"');
  return {
    async capture(order) {
      const memory = watchMemory(child.pid);
      try {
        const began = performance.now();
        child.send(order);
        const answer = await answerOf(child);
        const seconds = (performance.now() - began) / 1000;
        if (answer.kind === 'captured') return { seconds, captured: answer.captured, memory: memory.stop() };
        throw new Error(answer.kind === 'failed' ? answer.message : 'the worker process answered out of turn');
      } finally {
        memory.stop();
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function answerOf(child: ChildProcess): Promise<CaptureAnswer> {
  const waiting = new AbortController();
  const options = { signal: waiting.signal };
  const exited = once(child, 'exit', options).then(([code, signal]) => {
    throw new Error(`the worker process ended with ${code ?? signal}`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', options), exited]);
    // Both sides are ours: see messages.ts.
    return answer as CaptureAnswer;
  } finally {
    waiting.abort();
    exited.catch(() => undefined);
  }
}
