/** Work that may take as long as it moves: what stands still is given up, so that somebody hears of it. */
import { BackupError } from '../../model/errors.ts';
import { formatDuration } from '../../model/units.ts';
import type { Work } from '../work.ts';

/** Milliseconds that cancelled work has to clean up, before nobody waits for it any more. */
const CLEANING_UP = 5_000;

/**
 * Runs a body that reports progress. What does not end when it is cancelled (a share whose server is gone) is left behind:
 * whatever it still does can be done twice.
 * @param what goes on, in words: `the copy of … to vault`.
 * @throws BackupError `standstill` when nothing was reported for `work.standstill`; whatever the body throws.
 */
export async function unlessStill<T>(
  { what, work }: { readonly what: string; readonly work: Work },
  body: (work: Work) => Promise<T>,
): Promise<T> {
  const still = new AbortController();
  const left = Promise.withResolvers<never>();
  // It may be rejected when nobody listens any more.
  left.promise.catch(() => undefined);
  let leaving: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    still.abort();
    leaving = setTimeout(() => left.reject(stoodStill(what, work)), CLEANING_UP);
  }, work.standstill);
  const running = body({
    ...work,
    signal: AbortSignal.any([work.signal, still.signal]),
    progress(report) {
      if (!still.signal.aborted) timer.refresh();
      work.progress(report);
    },
  });
  running.catch(() => undefined);
  try {
    return await Promise.race([running, left.promise]);
  } catch (error) {
    if (still.signal.aborted && !work.signal.aborted) throw stoodStill(what, work, error);
    throw error;
  } finally {
    clearTimeout(timer);
    clearTimeout(leaving);
  }
}

function stoodStill(what: string, { standstill }: Work, cause?: unknown): BackupError {
  return new BackupError('standstill', `${what} moved nothing for ${formatDuration(standstill)}, and was given up.`, {
    remedy:
      'Look at that place: a share whose server is gone hangs until it is back (mount, dmesg). The next tick tries again.',
    cause,
  });
}
