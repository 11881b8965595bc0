/** Watches a stream: reports progress about once a second, and notices when it stands still. */
import type { ProgressReport, Work } from '../work.ts';
import { BackupError } from '../../model/errors.ts';

export interface Watched {
  readonly work: Work;
  readonly phase: string;
  readonly total: number | null;
  /** Bytes so far. */
  readonly bytes: () => number;
  /** Cumulative ticks of CPU and I/O of what works. */
  readonly activity: () => Promise<number>;
  /** Called once: with `standstill` when neither bytes nor activity have changed for `work.standstill` ms. */
  readonly onFailure: (error: unknown) => void;
  /** Milliseconds between two looks. */
  readonly interval?: number;
}

/** Starts to watch; the function returned ends it, with a last report. */
export function watch(watched: Watched): () => Promise<void> {
  const { work, phase, total } = watched;
  const interval = Math.min(watched.interval ?? 1_000, Math.max(10, work.standstill / 4));
  let last: ProgressReport = { phase, bytes: 0, total, activity: 0 };
  let still = 0;
  let looked = performance.now();
  let ended = false;
  let timer = setTimeout(look, interval);

  async function report(): Promise<boolean> {
    const now = { phase, bytes: watched.bytes(), total, activity: await watched.activity() };
    const moved = now.bytes !== last.bytes || now.activity !== last.activity;
    last = now;
    work.progress(now);
    return moved;
  }

  async function measure(): Promise<void> {
    const moved = await report();
    const now = performance.now();
    // A gap between two looks means that the whole machine slept: it counts as little as one look.
    still = moved ? 0 : still + Math.min(now - looked, 2 * interval);
    looked = now;
    if (ended) return;
    if (still >= work.standstill) watched.onFailure(standstill(watched, still));
    else timer = setTimeout(look, interval);
  }

  function look(): void {
    measure().catch(watched.onFailure);
  }

  return async function stop() {
    ended = true;
    clearTimeout(timer);
    await report();
  };
}

function standstill({ phase, bytes }: Watched, ms: number): BackupError {
  const seconds = Math.round(ms / 1000);
  return new BackupError('standstill', `Nothing has moved for ${seconds} s while ${phase}, so it was ended.`, {
    remedy: 'Look whether the source, its disk or the network hangs; it is tried again.',
    facts: { phase, bytes: bytes(), seconds },
  });
}
