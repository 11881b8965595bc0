/** The drills of a site, as its places tell of them: also with Temporal gone, and with the repository. */
import type { DrillRecord } from '../../../model/drill/record.ts';
import { BackupError } from '../../../model/errors.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { readDrillsAt } from '../../storage/drills.ts';
import { openPlaceNamed, placeNames } from '../keys/places.ts';

export interface Drills {
  /** Newest first. */
  readonly read: readonly DrillRecord[];
  /** Records that count for nothing, and places that could not be looked at. */
  readonly problems: readonly { readonly place: string; readonly problem: string }[];
}

/**
 * @param place only there (null: the repository); everywhere when absent.
 * @throws BackupError where that one place cannot be read; any other becomes a problem.
 */
export async function readDrills(site: Site, place?: string | null): Promise<Drills> {
  const trusted = await trustedKeys(site);
  const names = place === undefined ? placeNames(site) : [place ?? REPOSITORY];
  const looked = await Promise.all(
    names.map(async (name) => {
      try {
        const { read, problems } = await readDrillsAt(await openPlaceNamed(site, name), trusted);
        return { name, read, problems };
      } catch (error) {
        if (place !== undefined || !(error instanceof BackupError)) throw error;
        return { name, read: [], problems: [[error.message, error.remedy].filter(Boolean).join(' ')] };
      }
    }),
  );
  return {
    read: onceEach(looked.flatMap(({ read }) => read)),
    problems: looked.flatMap(({ name, problems }) => problems.map((problem) => ({ place: name, problem }))),
  };
}

/** Of a drill that was signed again the later record counts, wherever it lies. */
function onceEach(records: readonly DrillRecord[]): readonly DrillRecord[] {
  const byId = new Map(
    records.toSorted((a, b) => compare(a.created, b.created)).map((record) => [record.runId, record]),
  );
  return [...byId.values()].toSorted((a, b) => compare(timeOf(b), timeOf(a)) || compare(b.runId, a.runId));
}

function timeOf({ declared, created }: DrillRecord): string {
  return declared ?? created;
}

function compare(one: string, two: string): number {
  return one < two ? -1 : Number(one > two);
}
