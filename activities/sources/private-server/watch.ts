/** Standstill of work that a server does for us: pg_amcheck and our own sessions only wait meanwhile. */
import { activityOf } from '../../streams/activity.ts';
import { watch, type Watched } from '../../streams/watch.ts';
import type { Work } from '../../work.ts';
import type { ServerProcess } from './process.ts';

/**
 * Reports progress by the CPU and I/O of the server's processes while something runs on it, and cancels that with
 * `standstill` when they do nothing for too long.
 */
export async function whileServerWorks<Result>(
  { pid, activity, phase, work }: Pick<ServerProcess, 'pid' | 'activity'> & Pick<Watched, 'phase' | 'work'>,
  use: (work: Work) => Promise<Result>,
): Promise<Result> {
  const hung = new AbortController();
  const stop = watch({
    work,
    phase,
    total: null,
    bytes: () => 0,
    activity: activity ?? activityOf([pid]),
    onFailure: (error) => hung.abort(error),
  });
  const signal = AbortSignal.any([work.signal, hung.signal]);
  try {
    return await use({ ...work, signal, progress: () => undefined, standstill: Number.POSITIVE_INFINITY });
  } catch (error) {
    hung.signal.throwIfAborted();
    throw error;
  } finally {
    await stop();
  }
}
