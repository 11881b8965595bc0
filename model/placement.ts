/** Where the newest backup of each source is: the rule 3-2-1 says three copies, on two devices, one of them off-site. */
import { countDevices } from './device.ts';
import type { Finding } from './finding.ts';

/** One backup as a place holds it. Only what has its manifest there is a backup there. */
export interface HeldBackup {
  readonly source: string;
  readonly reference: string;
  /** Digest of the manifest's signed form: a backup of the same name that is another one is no copy. */
  readonly sha256: string;
  /** RFC 3339 in UTC, whole seconds. */
  readonly scheduled: string;
  readonly parent: string | null;
}

/** The repository or a destination, with what it holds. */
export interface HoldingPlace {
  readonly name: string;
  readonly device: string;
  readonly offsite: boolean;
  readonly backups: readonly HeldBackup[];
}

export interface SourcePlacement {
  readonly source: string;
  /** The newest backup of the source at any place; null when it has none. */
  readonly reference: string | null;
  /** Places that hold it, with all that it builds on. */
  readonly places: readonly string[];
  readonly copies: number;
  readonly devices: number;
  readonly offsite: number;
}

/** Counts, for each source, the copies of its newest backup. A copy whose parents are not beside it cannot be restored, and does not count. */
export function placements(sources: readonly string[], places: readonly HoldingPlace[]): readonly SourcePlacement[] {
  return sources.map((source) => {
    const newest = newestOf(source, places);
    const holding = newest === undefined ? [] : places.filter((place) => holdsWhole(place, newest));
    return {
      source,
      reference: newest?.reference ?? null,
      places: holding.map(({ name }) => name),
      copies: holding.length,
      devices: countDevices(holding.map(({ device }) => device)),
      offsite: holding.filter(({ offsite }) => offsite).length,
    };
  });
}

/**
 * A finding for each source that is below 3-2-1.
 * @param names those of all places that were looked at: more of them help only where the present ones hold it.
 * @param elsewhere sources of other hosts, with their hosts: the repositories of those cannot be seen from here.
 */
export function placementFindings(
  found: readonly SourcePlacement[],
  names: readonly string[] = [],
  elsewhere: ReadonlyMap<string, string> = new Map(),
): readonly Finding[] {
  return found.flatMap((placement) => {
    const host = elsewhere.get(placement.source);
    if (placement.reference === null && host !== undefined)
      return [
        finding(placement, `no backup of it is seen from here, and the repository of ${host} is not`, lookOn(host)),
      ];
    if (placement.reference === null) return [finding(placement, 'it has no backup', 'mosaic-backup run daily')];
    const { copies, devices, offsite } = placement;
    const lacks = [
      copies < 3 ? `${copies} of 3 copies` : '',
      devices < 2 ? `${devices} of 2 devices` : '',
      offsite < 1 ? 'none off-site' : '',
    ].filter((text) => text !== '');
    if (lacks.length === 0) return [];
    const where = placement.places.join(', ');
    const without = names.filter((name) => !placement.places.includes(name));
    const remedy =
      host !== undefined
        ? lookOn(host)
        : without.length > 0
          ? `Not whole at ${without.join(', ')}: mosaic-backup run daily --source ${placement.source} makes one with all its copies, and says what keeps it.`
          : offsite < 1
            ? 'Add a destination elsewhere, with `offsite: true`.'
            : 'Add a destination on another device.';
    return [finding(placement, `${placement.reference} has ${lacks.join(', ')} (${where || 'nowhere whole'})`, remedy)];
  });
}

function lookOn(host: string): string {
  return `What ${host} holds itself is not counted here. On ${host}: mosaic-backup status`;
}

function newestOf(source: string, places: readonly HoldingPlace[]): HeldBackup | undefined {
  const held = places.flatMap(({ backups }) => backups).filter((backup) => backup.source === source);
  return held.toSorted((a, b) => (a.scheduled < b.scheduled ? -1 : 1)).at(-1);
}

function holdsWhole(place: HoldingPlace, backup: HeldBackup): boolean {
  const held = new Map(place.backups.map((entry) => [entry.reference, entry]));
  if (held.get(backup.reference)?.sha256 !== backup.sha256) return false;
  const seen = new Set<string>();
  for (let parent = backup.parent; parent !== null;) {
    const entry = held.get(parent);
    if (entry === undefined || seen.has(parent)) return false;
    seen.add(parent);
    parent = entry.parent;
  }
  return true;
}

function finding({ source }: SourcePlacement, lack: string, remedy: string): Finding {
  return { code: 'placement.below-3-2-1', severity: 'warning', message: `${source}: ${lack}`, remedy, subject: source };
}
