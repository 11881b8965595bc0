/** The decisions of a prune, with the locks of the places looked at. */
import { decide } from '../../../model/retention/decide.ts';
import type { Decision, RetentionPlace } from '../../../model/retention/types.ts';
import { BackupError } from '../../../model/errors.ts';
import { MANIFEST } from '../../../model/paths.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Work } from '../../work.ts';
import type { Gathered, SeenPlace } from './gather.ts';

/** Locks asked for at once. */
const PARALLEL = 16;

/**
 * Decides, asks the places for locks of what would be deleted, and decides again: what is locked stays, and with it all
 * that it builds on.
 */
export async function decideWithLocks({ input, places }: Gathered, work: Work): Promise<readonly Decision[]> {
  const first = decide(input);
  const locked = await Promise.all(input.places.map((place, index) => withLocks(place, places[index], first, work)));
  if (locked.every(({ locks }) => locks.size === 0)) return first;
  return decide({ ...input, places: locked });
}

async function withLocks(
  place: RetentionPlace,
  seen: SeenPlace | undefined,
  decisions: readonly Decision[],
  work: Work,
): Promise<RetentionPlace> {
  const store = seen?.open?.store;
  if (!store?.lockedUntil) return place;
  const ask = store.lockedUntil.bind(store);
  const due = decisions.filter((decision) => decision.place === place.name && decision.verdict === 'delete');
  try {
    const found = await inParallel(due, PARALLEL, async ({ backup }) => {
      work.signal.throwIfAborted();
      const until = await ask(`${backup.folder}/${MANIFEST}`);
      return until === null ? [] : ([[backup.reference, until.getTime()]] as const);
    });
    return { ...place, locks: new Map(found.flat()) };
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    // Then the place itself refuses what is locked, before anything of it is deleted: manifests are locked too.
    work.log.warn({ place: place.name, code: error.code }, 'the locks of a place could not be looked at');
    return place;
  }
}
