/** Small records that a destination lacks: recovery points, evidence. Each is visible only when whole. */
import { BackupError } from '../../../model/errors.ts';
import { aborted } from '../../streams/pipeline.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Store, WritableStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

export interface RecordsRequest {
  readonly from: Store;
  readonly to: WritableStore;
  readonly keys: readonly string[];
  /** Keys that were delivered, filled meanwhile: what comes after a failure is the next tick's. */
  readonly done: string[];
  /** What is wrong with one of them, which keeps no other from being delivered. */
  readonly failures: BackupError[];
  /** Whether no further one is to be begun. */
  readonly until: () => boolean;
  readonly work: Work;
}

/** Records written at once: enough to hide the latency of a remote store. */
const PARALLEL = 8;

/**
 * A recovery point that a run has signed again replaces the one before; evidence is never changed.
 * @throws BackupError what is wrong with the destination, and so with every copy there.
 */
export async function deliverRecords({ from, to, keys, done, failures, until, work }: RecordsRequest): Promise<void> {
  await inParallel(keys, PARALLEL, async (key) => {
    if (work.signal.aborted) throw aborted();
    if (until()) return;
    try {
      const bytes = await from.readSmall(key);
      // Removed since it was listed.
      if (bytes === undefined) return;
      await to.putSmall(key, bytes, { replace: !key.startsWith('evidence/') });
      done.push(key);
    } catch (error) {
      // Another record of its name: somebody's, or one that a place which never overwrites holds as it was.
      if (!(error instanceof BackupError) || error.code !== 'conflict') throw error;
      failures.push(error);
    }
  });
}
