/** What of a source can be restored here, from every place that this host reaches. */
import { BackupError } from '../../../model/errors.ts';
import type { Verified } from '../../../model/evidence.ts';
import type { Provable } from '../../../model/proof/choose.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { isThawed } from '../../../model/thaw.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { chainOf, listBackups, pinned, type Catalogued } from '../../storage/catalogue.ts';
import { readEvidence } from '../../storage/evidence-file.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import type { Store } from '../../storage/types.ts';
import { openPlaceNamed, placeNames } from '../keys/places.ts';
import { lookAt, objectsToThaw } from '../thaw/objects.ts';

export interface ProvableHere {
  readonly provable: readonly Provable[];
  /** Tests and drills of the source at all those places, and checks that failed. */
  readonly tests: readonly Verified[];
  /** Why places were passed over, in words. */
  readonly passed: readonly string[];
}

/** A place that cannot be looked at is passed over, and said: the others are tested all the same. */
export async function provableHere(site: Site, source: string): Promise<ProvableHere> {
  const trusted = await trustedKeys(site);
  const found = await Promise.all(placeNames(site).map((place) => provableAt({ site, source, place, trusted })));
  return {
    provable: found.flatMap(({ provable }) => provable),
    tests: found.flatMap(({ tests }) => tests),
    passed: found.flatMap(({ passed }) => passed),
  };
}

interface AtPlace {
  readonly site: Site;
  readonly source: string;
  readonly place: string;
  readonly trusted: readonly TrustedKey[];
}

async function provableAt({ site, source, place, trusted }: AtPlace): Promise<ProvableHere> {
  try {
    const store = await openPlaceNamed(site, place);
    const [catalogue, evidence] = await Promise.all([
      listBackups(store, { logs: false }),
      readEvidence(store, trusted, source),
    ]);
    const own = catalogue.filter(({ name }) => name.source === source);
    const good = own.filter(({ manifest }) => manifestVerdict(manifest, trusted) === 'good');
    const whole = good.filter((backup) => isWhole(own, backup));
    const provable: Provable[] = [];
    for (const backup of whole) {
      const { tier, scheduled } = backup.manifest;
      if (tier === null || !(await isReadable(store, chainOf(own, backup)))) continue;
      provable.push({ backup: pinned(backup.manifest), tier, scheduled, place: place === REPOSITORY ? null : place });
    }
    const frozen = whole.length > provable.length ? [`${place}: ${whole.length - provable.length} lie frozen`] : [];
    return { provable, tests: evidence.filter(isTurn), passed: frozen };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    return { provable: [], tests: [], passed: [`${place}: ${error.message}`] };
  }
}

/** A damaged copy has had its turn, too, and others wait for theirs. */
function isTurn({ what, verdict }: Verified): boolean {
  return what !== 'verify' || verdict === 'failed';
}

/** Whether all that it builds on is there. */
function isWhole(catalogue: readonly Catalogued[], backup: Catalogued): boolean {
  try {
    return chainOf(catalogue, backup).length > 0;
  } catch (error) {
    if (error instanceof BackupError) return false;
    throw error;
  }
}

/** What lies frozen is paid for when it is thawed: `copies thaw` first. */
export async function isReadable({ thawing }: Store, chain: readonly Catalogued[]): Promise<boolean> {
  return thawing === undefined || isThawed(await lookAt(thawing, objectsToThaw(chain, [])));
}
