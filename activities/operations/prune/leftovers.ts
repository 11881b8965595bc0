/**
 * What is half-deleted: folders whose manifest a prune has deleted, and which it could not finish. Its record names them;
 * a folder without a manifest that no record names is a copy that is being made, and is left alone. So is one of a backup
 * that the place is to hold by the rules: somebody may be copying it there again.
 */
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import type { PruneRecord } from '../../../model/prune-record.ts';
import type { AtPlace } from './at-place.ts';
import { recordEnded, unfinished } from './records.ts';
import { removeRest } from './remove.ts';

/** Finishes them; returns how many folders there were. One that cannot be finished now is by the next prune. */
export async function finishLeftovers(request: AtPlace): Promise<number> {
  const { open, source, trusted, signer, name, work } = request;
  let finished = 0;
  for (const record of await unfinished(open.store, source, trusted)) {
    work.signal.throwIfAborted();
    if (record.place !== name) continue;
    const counts = await finish(request, record);
    finished += counts.finished;
    if (counts.left > 0) continue;
    const { signature: _signature, ...begun } = record;
    await recordEnded({ store: open.store, signer, source }, begun, whole(record, counts.whole));
  }
  return finished;
}

interface Counts {
  readonly finished: number;
  /** Those that are whole: they were not begun, or are there again. */
  readonly whole: ReadonlySet<string>;
  /** Those that are half-deleted still. */
  readonly left: number;
}

async function finish({ open, wanted, work }: AtPlace, { backups }: PruneRecord): Promise<Counts> {
  const whole = new Set<string>();
  let finished = 0;
  let left = 0;
  for (const { backup, folder } of backups) {
    if (wanted.has(backup.sha256) || (await open.store.readSmall(`${folder}/${MANIFEST}`)) !== undefined) {
      whole.add(backup.reference);
      continue;
    }
    if (await isEmpty(open.store, folder)) continue;
    try {
      await removeRest(open, folder);
      finished += 1;
    } catch (error) {
      if (work.signal.aborted || !(error instanceof BackupError)) throw error;
      work.log.warn({ folder, code: error.code }, 'what is half-deleted is not gone yet');
      left += 1;
    }
  }
  return { finished, whole, left };
}

async function isEmpty(store: AtPlace['open']['store'], folder: string): Promise<boolean> {
  for await (const _object of store.list(folder, { struckOff: true })) return false;
  return true;
}

function whole({ backups }: PruneRecord, references: ReadonlySet<string>): PruneRecord['left'] {
  return backups
    .filter(({ backup }) => references.has(backup.reference))
    .map(({ backup }) => ({ reference: backup.reference, why: 'it was not begun when the prune was cut off' }));
}
