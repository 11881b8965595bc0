/** The backup of a source of a drill, opened at the first place where that can be done: signed, and its key is opened. */
import type { DrillChosen } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import type { Site } from '../../site.ts';
import type { BackupReader } from '../../sources/types.ts';
import { chainOf, findPinned, listBackups } from '../../storage/catalogue.ts';
import type { Work } from '../../work.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { openChain } from '../restore.ts';

export interface Opened {
  readonly place: string | null;
  /** Full first. */
  readonly chain: readonly BackupReader[];
}

/**
 * @param left the site as the scenario left it.
 * @throws BackupError what the last place said: `missing-identity`, `not-authentic`, `not-found`, `unreachable`.
 */
export async function openChosen(left: Site, { backup, place, others }: DrillChosen, work: Work): Promise<Opened> {
  let last: unknown;
  for (const name of [place, ...others]) {
    try {
      const store = await openPlaceNamed(left, name ?? REPOSITORY);
      const catalogue = await listBackups(store, { logs: false });
      const chain = chainOf(catalogue, findPinned(catalogue, backup));
      return { place: name, chain: await openChain({ site: left, store, chain, work }) };
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
      last = error;
    }
  }
  throw last;
}
