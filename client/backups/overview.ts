/** All backups of a site, each with the places that hold it and what checks found, from manifests and evidence alone. */
import type { TrustedKey } from '../../activities/keys/signing.ts';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import type { Site } from '../../activities/site.ts';
import { readCatalogue, pinned, type Catalogued, type CatalogueOptions } from '../../activities/storage/catalogue.ts';
import { manifestVerdict } from '../../activities/storage/manifest-file.ts';
import { readSaid } from '../../activities/storage/said.ts';
import { BackupError } from '../../model/errors.ts';
import type { Verified } from '../../model/evidence.ts';
import { sizes } from '../../model/manifest.ts';
import { holdsIn, type Mark } from '../../model/mark.ts';
import { formatReference } from '../../model/reference.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { openPlace, REPOSITORY } from './places.ts';
import { readRecoveryPoints } from '../../activities/storage/recovery-points.ts';

/** One backup, wherever it is. */
export interface BackupEntry {
  readonly reference: string;
  readonly source: string;
  readonly backup: Catalogued;
  /** Digest of the manifest's signed form. */
  readonly sha256: string;
  readonly stored: number;
  readonly plain: number;
  /** Places that have its manifest. */
  readonly places: readonly string[];
  /** What the newest verification at each place found. */
  readonly verified: readonly Proof[];
  /** The newest restore test or drill; null when there was none. */
  readonly proven: Proof | null;
  /** The hold that keeps it at every place; null where there is none. */
  readonly held: Mark | null;
  /** Places where this cannot be restored, whole as it may be: what it builds on is missing there, or damaged. */
  readonly broken: readonly BrokenChain[];
}

export interface BrokenChain {
  readonly place: string;
  /** In words, to follow the backup's own name. */
  readonly problem: string;
}

export interface Proof {
  readonly place: string;
  readonly time: string;
  readonly ok: boolean;
}

export interface Overview {
  /** Newest first. */
  readonly entries: readonly BackupEntry[];
  /** Newest first. */
  readonly recoveryPoints: readonly RecoveryPoint[];
  /** Places that could be looked at, shown or not. */
  readonly places: readonly string[];
  /** What people have said of backups, the oldest first. */
  readonly marks: readonly Mark[];
  /** Keys whose signatures count. */
  readonly trusted: readonly TrustedKey[];
  /** Places that could not be looked at, and folders that are no backups. */
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly place: string;
  readonly problem: string;
  /** The folder that should be a backup, where it is one; null for anything else. */
  readonly folder: string | null;
}

/**
 * @param only shows what this one place holds (null: the repository); every place when absent.
 * @param options `alone`: no other place is looked at, so that nothing waits for a network.
 * @throws BackupError when that one place cannot be looked at; any other becomes a problem.
 */
export async function readOverview(
  site: Site,
  only?: string | null,
  { alone = false, ...options }: CatalogueOptions & { readonly alone?: boolean } = {},
): Promise<Overview> {
  // A name that the config lacks fails here, with those that there are.
  if (only !== undefined) await openPlace(site, only);
  const trusted = await trustedKeys(site);
  const names = alone && only !== undefined ? [only] : [null, ...Object.keys(site.config.destinations)];
  // The others are looked at even then: what they know of a backup counts here too, since its digest is the same.
  const looked = await Promise.all(names.map((name) => look(site, name, { trusted, strict: name === only, options })));
  const evidence = looked.flatMap((place) => place.evidence).toSorted(byTime);
  const marks = looked.flatMap((place) => place.marks).toSorted(byTime);
  const shown = (name: string) => only === undefined || name === (only ?? REPOSITORY);
  // The manifest that counts is the one at the place that is shown: the `key` of another's may be an older one, or damaged.
  const shownFirst = looked.toSorted((a, b) => Number(shown(b.name)) - Number(shown(a.name)));
  return {
    entries: withBrokenChains(merge(shownFirst, evidence, holdsIn(marks)))
      .filter(({ places }) => places.some(shown))
      .toSorted((a, b) => newestFirst(a.backup, b.backup)),
    marks,
    trusted,
    recoveryPoints: onceEach(looked.flatMap(({ points }) => points)),
    places: looked.filter(({ reached }) => reached).map(({ name }) => name),
    problems: looked
      .filter(({ name }) => shown(name))
      .flatMap(({ name, problems }) => problems.map((problem) => ({ place: name, ...problem }))),
  };
}

/** The newer of two backups first. */
export function newestFirst(one: Catalogued, two: Catalogued): number {
  // By their bytes: of very many, what locales make of each takes a while.
  const { scheduled: at } = one.manifest;
  const { scheduled: other } = two.manifest;
  if (at !== other) return at > other ? -1 : 1;
  return one.folder < two.folder ? -1 : Number(one.folder > two.folder);
}

/** What evidence says of a backup in a word, for tables. `broken`: it may be whole, what it builds on is not. */
export function verdictOf({ verified, proven, broken }: BackupEntry): Verdict {
  if (verified.some(({ ok }) => !ok) || proven?.ok === false) return 'damaged';
  if (broken.length > 0) return 'broken';
  if (proven) return 'proven';
  return verified.length > 0 ? 'verified' : 'unverified';
}

export type Verdict = 'proven' | 'verified' | 'damaged' | 'broken' | 'unverified';

/** The last check of the copy at this place found it damaged. */
export function isDamaged({ verified, proven }: Pick<BackupEntry, 'verified' | 'proven'>, at: string): boolean {
  const checks = proven === null ? verified : [...verified, proven];
  return checks.some(({ place, ok }) => place === at && !ok);
}

/**
 * Whether a key that counts here has signed it: whoever may write at a place can put something there that looks newer.
 * Asked of those that are chosen among, and not of each of a hundred thousand. Where no key is named nobody is a stranger:
 * whoever opens a backup is told.
 */
export function isAuthentic({ trusted }: Pick<Overview, 'trusted'>, { manifest }: Catalogued): boolean {
  return trusted.length === 0 || manifestVerdict(manifest, trusted) === 'good';
}

function byTime(one: { readonly time: string }, two: { readonly time: string }): number {
  return one.time < two.time ? -1 : Number(one.time > two.time);
}

interface Looked {
  readonly name: string;
  readonly reached: boolean;
  readonly backups: readonly Catalogued[];
  readonly evidence: readonly Verified[];
  readonly marks: readonly Mark[];
  readonly points: readonly RecoveryPoint[];
  readonly problems: readonly Omit<Problem, 'place'>[];
}

interface Looking {
  readonly trusted: readonly TrustedKey[];
  /** Fails where the place cannot be looked at. */
  readonly strict: boolean;
  readonly options: CatalogueOptions;
}

async function look(site: Site, destination: string | null, { trusted, strict, options }: Looking): Promise<Looked> {
  const name = destination ?? REPOSITORY;
  try {
    const { store } = await openPlace(site, destination);
    const [{ backups, problems, warnings }, { evidence, marks }, points] = await Promise.all([
      readCatalogue(store, options),
      readSaid(store, trusted),
      readRecoveryPoints(store, trusted),
    ]);
    return {
      name,
      reached: true,
      backups,
      evidence,
      marks,
      points: points.read,
      problems: [
        ...problems.map(({ folder, problem }) => ({ folder, problem: `${folder} counts as no backup: ${problem}` })),
        ...warnings.map(({ folder, problem }) => ({ folder, problem: `${folder}: ${problem}` })),
        ...points.problems.map((problem) => ({ folder: null, problem })),
      ],
    };
  } catch (error) {
    if (strict || !(error instanceof BackupError)) throw error;
    return {
      name,
      reached: false,
      backups: [],
      evidence: [],
      marks: [],
      points: [],
      problems: [{ folder: null, problem: [error.message, error.remedy].filter(Boolean).join(' ') }],
    };
  }
}

/** A backup, seen without what it builds on. */
type Alone = Omit<BackupEntry, 'broken'>;

/** A chain is as good as its worst member: each backup with the places where a parent of it is missing or damaged. */
function withBrokenChains(entries: readonly Alone[]): readonly BackupEntry[] {
  const byDigest = new Map(entries.map((entry) => [entry.sha256, entry]));
  return entries.map((entry) => ({
    ...entry,
    broken: entry.places.flatMap((place) => {
      const problem = brokenAt(entry, place, byDigest);
      return problem === undefined ? [] : [{ place, problem }];
    }),
  }));
}

function brokenAt(entry: Alone, place: string, byDigest: ReadonlyMap<string, Alone>): string | undefined {
  // A parent's digest is inside the form that its child's is of: a chain has no circle.
  for (let { parent } = entry.backup.manifest; parent !== null;) {
    const found = byDigest.get(parent.sha256);
    if (!found?.places.includes(place)) return `builds on ${parent.reference}, which is missing at ${place}`;
    if (isDamaged(found, place)) return `builds on ${parent.reference}, which is damaged at ${place}`;
    ({ parent } = found.backup.manifest);
  }
  return undefined;
}

/** The same backup at several places is one entry; another one under the same name is an entry of its own. */
function merge(
  looked: readonly Looked[],
  evidence: readonly Verified[],
  holds: ReadonlyMap<string, Mark>,
): readonly Alone[] {
  const found = new Map<string, { readonly backup: Catalogued; readonly sha256: string; readonly places: string[] }>();
  for (const { name, backups } of looked) {
    for (const backup of backups) {
      const { sha256 } = pinned(backup.manifest);
      const known = found.get(sha256);
      if (known) known.places.push(name);
      else found.set(sha256, { backup, sha256, places: [name] });
    }
  }
  const byBackup = Map.groupBy(evidence, (record) => record.backup.sha256);
  return [...found.values()].map(({ backup, sha256, places }) => {
    const { stored, plain } = sizes(backup.manifest);
    const records = byBackup.get(sha256) ?? [];
    const tests = records.filter(({ what }) => what !== 'verify').map(proofOf);
    return {
      reference: formatReference(backup.name),
      source: backup.name.source,
      backup,
      sha256,
      stored,
      plain,
      places,
      verified: newestOfEach(records.filter(({ what }) => what === 'verify').map(proofOf)),
      proven: tests.at(-1) ?? null,
      held: holds.get(sha256) ?? null,
    };
  });
}

function proofOf({ destination, time, verdict }: Verified): Proof {
  return { place: destination ?? REPOSITORY, time, ok: verdict === 'ok' };
}

/** Records come oldest first, of all places: the last of each counts. */
function newestOfEach(proofs: readonly Proof[]): readonly Proof[] {
  return [...new Map(proofs.map((proof) => [proof.place, proof])).values()];
}

function onceEach(points: readonly RecoveryPoint[]): readonly RecoveryPoint[] {
  const byId = new Map(points.toSorted((a, b) => a.created.localeCompare(b.created)).map((point) => [point.id, point]));
  return [...byId.values()].toSorted((a, b) => b.scheduled.localeCompare(a.scheduled));
}
