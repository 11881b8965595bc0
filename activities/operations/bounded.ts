/** Work that has to end by a time: it is cancelled then, and the caller is told that this was why. */
import { BackupError } from '../../model/errors.ts';
import { formatDuration } from '../../model/units.ts';
import type { Work } from '../work.ts';

export interface Bound {
  /** What goes on, in words: `shipping the logs of db`. */
  readonly what: string;
  /** Milliseconds. */
  readonly limit: number;
  /** What to do where it happens again; of a tick of logs when absent. */
  readonly remedy?: string;
  readonly work: Work;
}

const OF_LOGS =
  'The next tick goes on. Where it happens again, see what slows it down; logs.deadline of the source sets the time.';

/** Milliseconds that cancelled work has to end its children and clean up, before nobody waits for it any more. */
const CLEANING_UP = 5_000;

/**
 * Runs a body with a time limit. What does not end when it is cancelled (a file system that hangs) is left behind:
 * whatever it still does can be done twice.
 * @throws BackupError `standstill` at the limit; whatever the body throws; the caller's own cancellation.
 */
export async function bounded<T>(
  { what, limit, remedy = OF_LOGS, work }: Bound,
  body: (work: Work) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const left = Promise.withResolvers<never>();
  const timers = [
    setTimeout(() => late.abort(), limit),
    setTimeout(() => left.reject(tooLate({ what, limit, remedy })), limit + CLEANING_UP),
  ];
  const running = body({ ...work, signal: AbortSignal.any([work.signal, late.signal]) });
  // Left behind, it may fail when nobody listens any more.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, left.promise]);
  } catch (error) {
    if (late.signal.aborted && !work.signal.aborted) throw tooLate({ what, limit, remedy }, error);
    throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

function tooLate({ what, limit, remedy }: Required<Omit<Bound, 'work'>>, cause?: unknown): BackupError {
  return new BackupError('standstill', `${what} did not end within ${formatDuration(limit)}, and was ended.`, {
    remedy,
    cause,
  });
}
