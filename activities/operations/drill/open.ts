/** The backup of a source of a drill, opened at the first place where that can be done: signed, and its key is opened. */
import type { DrillChosen } from '../../../model/drill/drill.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import type { Site } from '../../site.ts';
import type { BackupReader } from '../../sources/types.ts';
import { chainOf, findPinned, listBackups } from '../../storage/catalogue.ts';
import type { Work } from '../../work.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { fromAnyPlace } from '../restore-places.ts';
import { openChain } from '../restore.ts';

export interface Opened {
  readonly place: string | null;
  /** Full first. */
  readonly chain: readonly BackupReader[];
}

/**
 * @param left the site as the scenario left it.
 * @throws BackupError `missing-identity`, or what tells most of why no place did.
 */
export async function openChosen(left: Site, { backup, place, others }: DrillChosen, work: Work): Promise<Opened> {
  const places = [place, ...others].map((one) => ({ name: one ?? REPOSITORY, place: one }));
  const { result } = await fromAnyPlace(places, async ({ name, place: at }) => {
    const store = await openPlaceNamed(left, name);
    const catalogue = await listBackups(store, { logs: false });
    const chain = chainOf(catalogue, findPinned(catalogue, backup));
    return { place: at, chain: await openChain({ site: left, store, chain, work }) };
  });
  return result;
}
