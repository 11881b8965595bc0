/** Small records that a destination lacks: recovery points, evidence, drills. Each is visible only when whole. */
import { BackupError } from '../../../model/errors.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import { aborted } from '../../streams/pipeline.ts';
import { counted } from '../../storage/counted.ts';
import { DRILLS } from '../../storage/drills.ts';
import { inParallel } from '../../storage/parallel.ts';
import { RECOVERY_POINTS } from '../../storage/recovery-points.ts';
import type { Destination, Store } from '../../storage/types.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { keepingOfPoint } from '../keeping.ts';

export interface RecordsRequest {
  readonly site: Site;
  readonly from: Store;
  readonly to: Destination;
  readonly keys: readonly string[];
  /** Keys that were delivered, filled meanwhile: what comes after a failure is the next tick's. */
  readonly done: string[];
  /** Keys of records that may be signed again and of which the place keeps an earlier one, filled meanwhile. */
  readonly kept: string[];
  readonly trusted: readonly TrustedKey[];
  /** What is wrong with one of them, which keeps no other from being delivered. */
  readonly failures: BackupError[];
  /** Whether no further one is to be begun. */
  readonly until: () => boolean;
  readonly work: Work;
}

/** Records written at once: enough to hide the latency of a remote store. */
const PARALLEL = 8;

/**
 * A recovery point or a drill that was signed again replaces the one before; evidence is never changed. Where a place lets nothing
 * be overwritten, an earlier one of ours stays: that is told once, and owed no more, since no tick could ever change it.
 * @throws BackupError what is wrong with the destination, and so with every copy there.
 */
export async function deliverRecords(request: RecordsRequest): Promise<void> {
  const { site, from, to, keys, done, failures, trusted, until, work } = request;
  await inParallel(keys, PARALLEL, async (key) => {
    if (work.signal.aborted) throw aborted();
    if (until()) return;
    try {
      const bytes = await from.readSmall(key);
      // Removed since it was listed.
      if (bytes === undefined) return;
      const point = counted(bytes, key, RECOVERY_POINTS, trusted);
      const keeping = 'record' in point ? keepingOfPoint(site, to.name, point.record) : {};
      await to.putSmall(key, bytes, { replace: !key.startsWith('evidence/'), ...keeping });
      done.push(key);
    } catch (error) {
      // Another record of its name: somebody's, or one that a place which never overwrites holds as it was.
      if (!(error instanceof BackupError) || error.code !== 'conflict') throw error;
      failures.push((await keepsEarlier(request, key)) ?? error);
    }
  });
}

/** What is told of a record that stays as it is; undefined where what is there is none of ours. */
async function keepsEarlier({ to, kept, trusted }: RecordsRequest, key: string): Promise<BackupError | undefined> {
  const there = await to.readSmall(key);
  if (there === undefined || !isOwn(there, key, trusted)) return undefined;
  kept.push(key);
  return new BackupError(
    'conflict',
    `${to.name} lets nothing be overwritten, so ${key} stays there as it was signed first. The backups themselves are copied.`,
    {
      remedy: `Nothing is to be done. Where the newer one should be there as well, delete the one that is there; it is not told again.`,
      facts: { destination: to.name, key },
    },
  );
}

/** Whether this is the recovery point or the drill of a key, signed by one of ours. */
function isOwn(bytes: Uint8Array, key: string, trusted: readonly TrustedKey[]): boolean {
  return [counted(bytes, key, RECOVERY_POINTS, trusted), counted(bytes, key, DRILLS, trusted)].some(
    (found) => 'record' in found,
  );
}
