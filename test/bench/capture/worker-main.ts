/**
 * A process that is to a capture what a worker is: its modules are loaded before, it reads the config when a step
 * begins, and nothing else runs in it. Started by worker-process.ts with the config file as its argument.
 */
import { loadSite } from '../../../activities/config/load.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import type { Work } from '../../../activities/work.ts';
import { runId } from '../../../model/run.ts';
import type { CaptureAnswer, CaptureOrder } from './messages.ts';

const STANDSTILL = 600_000;
const BUSY = 1_000;

const [, , file = ''] = process.argv;
const ended = new AbortController();
// The bench is gone: nobody waits for this any more.
process.once('disconnect', () => ended.abort());

process.on('message', (order: CaptureOrder) => {
  capture(order).then(
    (captured) => answer({ kind: 'captured', captured }),
    (error: unknown) =>
      answer({ kind: 'failed', message: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
answer({ kind: 'ready' });

async function capture({ source, scheduled }: CaptureOrder) {
  const site = await loadSite({ file });
  const run = runId('daily', scheduled);
  const request = { site, source, tier: 'daily', runId: run, scheduled, attempt: 1, busy: BUSY, work: work() } as const;
  return captureBackup(request);
}

function work(): Work {
  const say = (facts: object, message: string): void => console.error(message, JSON.stringify(facts));
  const ignore = (): void => {};
  return {
    signal: ended.signal,
    progress: ignore,
    log: { debug: ignore, info: ignore, warn: say, error: say },
    standstill: STANDSTILL,
  };
}

function answer(message: CaptureAnswer): void {
  process.send?.(message);
}
