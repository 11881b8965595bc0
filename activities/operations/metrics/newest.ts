/** The newest success of each source and plan, in the repository and at each destination, from manifests and evidence here. */
import { isAhead } from '../../../model/clock.ts';
import { orderOf, sizes, type Manifest } from '../../../model/manifest.ts';
import { lastVerdict } from '../archive/choose.ts';
import { readHeld } from '../catch-up/memory.ts';
import { shipsLogs } from '../ship-logs.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { listBackups, type Catalogued } from '../../storage/catalogue.ts';
import { readEvidenceOf } from '../../storage/evidence-file.ts';
import { lastLocalLogs } from '../../storage/local-logs.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import type { openRepository } from '../../storage/repository.ts';

export interface Newest {
  readonly source: string;
  readonly plan: string;
  /** `repository`, or a destination's name. */
  readonly destination: string;
  /** RFC 3339: when it was sealed. */
  readonly finished: string;
  /** Milliseconds that it took. */
  readonly duration: number;
  /** Bytes as stored. */
  readonly size: number;
}

interface Asked {
  readonly site: Site;
  readonly store: Awaited<ReturnType<typeof openRepository>>;
  readonly trusted: readonly TrustedKey[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * What a destination holds is what it held when it was looked at last: no scrape waits for one that is away. What a wrong clock has dated
 * into the future is no success: until its day it would hide that nothing comes any more.
 */
export async function newestSuccesses({ site, store, trusted, now }: Asked): Promise<readonly Newest[]> {
  const isDated = ({ finished }: Manifest): boolean => !isAhead(finished, now);
  const listed = await listBackups(store, { logs: false });
  const backups = listed.filter(({ manifest }) => isDated(manifest)).filter(isAuthentic(trusted));
  const isFailed = failedCheck(store, trusted);
  const places = await Promise.all(
    Object.keys(site.config.destinations).map(async (destination) => {
      const held = new Set((await readHeld(site, destination))?.held);
      return newestOfEach(
        backups.filter(({ folder }) => held.has(folder)),
        destination,
        isFailed,
      );
    }),
  );
  const shipping = Object.entries(site.config.sources).filter(([, config]) => shipsLogs(config));
  const logs = await Promise.all(
    shipping.map(async ([source]) => {
      const last = await lastLocalLogs(store, source, (manifests) => lastSealed(manifests.filter(isDated)));
      return last === null ? [] : [entryOf(last.manifest, 'logs', REPOSITORY)];
    }),
  );
  return [...(await newestOfEach(backups, REPOSITORY, isFailed)), ...places.flat(), ...logs.flat()];
}

const REPOSITORY = 'repository';

function isAuthentic(trusted: readonly TrustedKey[]): (one: Catalogued) => boolean {
  return ({ manifest }) => trusted.length === 0 || manifestVerdict(manifest, trusted) === 'good';
}

function lastSealed(manifests: readonly Manifest[]): Manifest | undefined {
  return manifests.toSorted((one, two) => orderOf(one) - orderOf(two)).at(-1);
}

/**
 * Whether the last check of a backup in the repository failed. It then counts nowhere: what is wrong with it may have been so before it
 * was copied.
 */
function failedCheck(store: Asked['store'], trusted: readonly TrustedKey[]): (one: Catalogued) => Promise<boolean> {
  const known = new Map<Catalogued, Promise<boolean>>();
  return (one) => {
    const found =
      known.get(one) ??
      readEvidenceOf(store, trusted, one.name).then((evidence) => lastVerdict(one, evidence) === 'failed');
    known.set(one, found);
    return found;
  };
}

async function newestOfEach(
  backups: readonly Catalogued[],
  destination: string,
  isFailed: (one: Catalogued) => Promise<boolean>,
): Promise<readonly Newest[]> {
  const newestFirst = backups.toSorted((a, b) => b.manifest.finished.localeCompare(a.manifest.finished));
  const groups = Map.groupBy(newestFirst, ({ manifest }) => `${manifest.source}\0${planOf(manifest)}`);
  const newest: Newest[] = [];
  for (const group of groups.values()) {
    // Most often the first: only of those that are looked at evidence is read.
    for (const one of group) {
      if (await isFailed(one)) continue;
      newest.push(entryOf(one.manifest, planOf(one.manifest), destination));
      break;
    }
  }
  return newest;
}

function entryOf(manifest: Manifest, plan: string, destination: string): Newest {
  const { source, started, finished } = manifest;
  const duration = Math.max(0, Date.parse(finished) - Date.parse(started));
  return { source, plan, destination, finished, duration, size: sizes(manifest).stored };
}

/** The plan in the id of a run, `<plan>-<time>`; of what was made otherwise (imports) its tier. */
function planOf({ run, tier }: Manifest): string {
  return /^(.+)-\d{4}-\d\d-\d\dT[\d:]+Z$/.exec(run)?.[1] ?? tier ?? 'logs';
}
