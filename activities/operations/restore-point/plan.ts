/** What restoring a whole recovery point takes: of each source its backup, and the places that have it, the nearest first. */
import { BackupError } from '../../../model/errors.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { PinnedReference } from '../../../model/reference.ts';
import { readableFirst } from '../../../model/config/destinations/thaw.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { isThawed } from '../../../model/thaw.ts';
import type { Site } from '../../site.ts';
import { chainOf, findPinned, listBackups, type Catalogued } from '../../storage/catalogue.ts';
import type { Store } from '../../storage/types.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { plainBytes } from '../restore.ts';
import { lookAt, objectsToRestore } from '../thaw/objects.ts';

export interface PointPlan {
  readonly point: RecoveryPoint;
  readonly steps: readonly PointStep[];
  /** Sources of which there is nothing to restore, and why. */
  readonly lacking: readonly { readonly source: string; readonly why: string }[];
  /** Places that could not be looked at, and why. */
  readonly passed: readonly string[];
}

export interface PointStep {
  readonly source: string;
  readonly backup: PinnedReference;
  /** It is older than the run: that had not captured it. */
  readonly stale: boolean;
  /** Sources of the plan that are restored before. */
  readonly after: readonly string[];
  /** Those where it can be read now. */
  readonly places: readonly PlaceOfBackup[];
  /** Those where it lies frozen. */
  readonly frozen: readonly PlaceOfBackup[];
  /** At most, before compression. */
  readonly bytes: number;
}

export interface PlaceOfBackup {
  readonly name: string;
  readonly store: Store;
  /** Full first. */
  readonly chain: readonly Catalogued[];
}

export interface PlanPointRequest {
  readonly site: Site;
  readonly point: RecoveryPoint;
  /** This place alone; every one, the nearest first, when absent. */
  readonly from?: string | undefined;
  /** Only these sources. */
  readonly sources?: readonly string[] | undefined;
}

/** @throws BackupError `not-found` for a source that the point does not have. */
export async function planPoint({ site, point, from, sources }: PlanPointRequest): Promise<PointPlan> {
  const unknown = sources?.find((source) => point.sources.every((entry) => entry.source !== source));
  if (unknown !== undefined) {
    throw new BackupError('not-found', `${point.id} has no source "${unknown}"`, {
      remedy: `It has: ${point.sources.map(({ source }) => source).join(', ')}.`,
    });
  }
  const passed: string[] = [];
  const places: { readonly name: string; readonly store: Store; readonly catalogue: readonly Catalogued[] }[] = [];
  for (const name of from === undefined ? [REPOSITORY, ...readableFirst(site.config.destinations)] : [from]) {
    try {
      const store = await openPlaceNamed(site, name);
      places.push({ name, store, catalogue: await listBackups(store, { logs: false }) });
    } catch (error) {
      if (!(error instanceof BackupError) || from !== undefined) throw error;
      passed.push(`${name}: ${error.message}`);
    }
  }
  const wanted = point.sources.filter(({ source }) => sources?.includes(source) ?? true);
  const names = new Set(wanted.map(({ source }) => source));
  const steps: PointStep[] = [];
  const lacking: { source: string; why: string }[] = [];
  for (const { source, backup, stale } of wanted) {
    const own = backup === null ? [] : places.flatMap(({ catalogue, ...place }) => placeWith(place, catalogue, backup));
    const { readable, frozen } = await parted(own, passed);
    const first = readable[0] ?? frozen[0];
    if (backup === null) lacking.push({ source, why: 'no backup of it had been made' });
    else if (!first) lacking.push({ source, why: `no place that can be looked at has ${backup.reference} whole` });
    else {
      const after = (site.config.sources[source]?.after ?? []).filter((other) => names.has(other));
      steps.push({ source, backup, stale, after, places: readable, frozen, bytes: plainBytes(first.chain) });
    }
  }
  return { point, steps, lacking, passed };
}

/** A place that cannot say how its objects stand is passed over. */
async function parted(
  places: readonly PlaceOfBackup[],
  passed: string[],
): Promise<{ readonly readable: readonly PlaceOfBackup[]; readonly frozen: readonly PlaceOfBackup[] }> {
  const readable: PlaceOfBackup[] = [];
  const frozen: PlaceOfBackup[] = [];
  for (const place of places) {
    const { thawing } = place.store;
    try {
      const isReadable = thawing === undefined || isThawed(await lookAt(thawing, objectsToRestore(place.chain)));
      (isReadable ? readable : frozen).push(place);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      passed.push(`${place.name}: ${error.message}`);
    }
  }
  return { readable, frozen };
}

/** Nothing where the place lacks it, or something that it builds on. */
function placeWith(
  place: Pick<PlaceOfBackup, 'name' | 'store'>,
  catalogue: readonly Catalogued[],
  backup: PinnedReference,
): readonly PlaceOfBackup[] {
  try {
    return [{ ...place, chain: chainOf(catalogue, findPinned(catalogue, backup)) }];
  } catch (error) {
    if (error instanceof BackupError) return [];
    throw error;
  }
}
