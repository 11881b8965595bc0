/**
 * Verification of a whole place: every backup there by its digests and signature, what should be there and is not, and
 * what is there and belongs to no backup. Read folder by folder, so that its size does not matter.
 */
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { sizes } from '../../../model/manifest.ts';
import { MANIFEST } from '../../../model/paths.ts';
import { formatReference } from '../../../model/reference.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { chainOf, type Catalogued } from '../../storage/catalogue.ts';
import { backupIn, chainAt } from '../../storage/chain-at.ts';
import { parseManifest } from '../../storage/manifest-file.ts';
import { inParallel } from '../../storage/parallel.ts';
import type { Destination, Store, WritableStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { isOwedTo } from '../owed-to.ts';
import { verifyBackup } from '../verify.ts';
import { backupsNamed, foldersExpected } from './expected.ts';
import { seenSoFar, type Seen } from './seen.ts';
import { walkPlace, type PlaceFolder } from './walk.ts';

export interface VerifyPlaceRequest {
  readonly site: Site;
  readonly store: WritableStore & Pick<Partial<Destination>, 'lockedUntil'>;
  /** Null for the repository. */
  readonly destination: string | null;
  /** What says what should be there; null where it cannot be looked at. */
  readonly repository: Store | null;
  /** Other places, whose recovery points say as well what should be there. */
  readonly others: readonly Store[];
  /** Only backups of this source are verified, and nothing is missing or extra. */
  readonly source?: string;
  /** Restores a backup that is found right, and checks it. */
  readonly deep?: (chain: readonly Catalogued[], work: Work) => Promise<readonly Check[]>;
  /** Told of each thing that is wrong as soon as it is found. */
  readonly tell: (problem: PlaceProblem) => void;
  readonly work: Work;
}

export const PROBLEMS = ['damaged', 'wrongly-signed', 'missing', 'unlocked', 'extra'] as const;

/** `extra` harms nothing: leftovers, and what is none of ours. Everything else is a failed verification. */
export interface PlaceProblem {
  readonly problem: (typeof PROBLEMS)[number];
  /** A reference; for what is no backup its folder or key. */
  readonly of: string;
  /** What was found, each in words. */
  readonly found: readonly string[];
}

export interface PlaceVerdict {
  readonly backups: number;
  /** Stored bytes that were read. */
  readonly bytes: number;
  readonly problems: readonly PlaceProblem[];
  /** With `deep`: backups that nothing could be checked with on this machine. */
  readonly unchecked: readonly string[];
  /** Backups that lie frozen: of these only what can be read at once was looked at, and found right. */
  readonly frozen: readonly string[];
  /** Verdicts that are not on record at the place, with one reason why. */
  readonly unrecorded: { readonly count: number; readonly why: string } | null;
}

/** Folders that are read before their backups are verified. */
const PAGE = 64;
/** Backups verified at once: a remote place answers slowly, a disk reads no faster for more. */
const PARALLEL = 4;

/** @throws BackupError `unreachable` where the place itself is gone, `not-found` where there is nothing to verify, `aborted`. */
export async function verifyPlace(request: VerifyPlaceRequest): Promise<PlaceVerdict> {
  const { site, store, destination, repository, source } = request;
  const expected =
    destination === null || repository === null || source !== undefined
      ? new Set<string>()
      : await foldersExpected(site, repository, destination);
  const seen = seenSoFar();
  const counts = { problems: [], backups: 0, bytes: 0, unchecked: [], frozen: [], unrecorded: null };
  const state: State = { request, expected, seen, ...counts };
  let page: PlaceFolder[] = [];
  for await (const folder of walkPlace(store)) {
    page.push(folder);
    if (page.length < PAGE) continue;
    await verifyPage(state, page);
    page = [];
  }
  await verifyPage(state, page);
  if (source === undefined) await findMissing(state);
  const { backups, bytes, problems, unchecked, frozen, unrecorded } = state;
  // That all of nothing is right must not be taken for a verified place.
  if (backups === 0 && problems.length === 0) throw nothingThere(request);
  return { backups, bytes, problems, unchecked, frozen, unrecorded };
}

function nothingThere({ destination, source }: VerifyPlaceRequest): BackupError {
  const of = source === undefined ? '' : ` of "${source}"`;
  return new BackupError(
    'not-found',
    `There is no backup${of} at ${destination ?? 'the repository'}: nothing was verified.`,
    {
      remedy: 'See `mosaic-backup list` for what there is, and where.',
    },
  );
}

interface State {
  readonly request: VerifyPlaceRequest;
  /** Folders that should be there and were not seen yet. */
  readonly expected: Set<string>;
  readonly seen: Seen;
  readonly problems: PlaceProblem[];
  readonly unchecked: string[];
  readonly frozen: string[];
  backups: number;
  bytes: number;
  unrecorded: { readonly count: number; readonly why: string } | null;
}

async function verifyPage(state: State, page: readonly PlaceFolder[]): Promise<void> {
  const { deep } = state.request;
  await inParallel(page, deep === undefined ? PARALLEL : 1, (folder) => verifyFolder(state, folder));
}

async function verifyFolder(state: State, { what, folder, objects }: PlaceFolder): Promise<void> {
  const { request, expected } = state;
  if (what === 'backup') return verifyOne(state, folder);
  // A copy that was cut off, or is just being made: it is missing as a backup, and catch-up finishes it.
  if (request.source !== undefined || expected.has(folder)) return;
  const why = what === 'leftover' ? `no ${MANIFEST} names them` : 'nothing of ours has such a key';
  note(state, {
    problem: 'extra',
    of: folder === '.' ? objects.map(({ key }) => key).join(', ') : folder,
    found: [`${objects.length} objects: ${why}`],
  });
}

async function verifyOne(state: State, folder: string): Promise<void> {
  const { request, expected } = state;
  const wasExpected = expected.delete(folder);
  const { site, store, destination, source, work } = request;
  const backup = await readBackup(state, folder);
  if (backup === undefined || (source !== undefined && backup.name.source !== source)) return;
  const reference = formatReference(backup.name);
  // Logs are replayed on top of a backup, and are no state of their own.
  const deep = backup.name.tier === null ? undefined : request.deep;
  const chain = await chainAt(store, backup);
  let looked = deep === undefined;
  const { progress, done } = counted(state, reference);
  const evidence = await verifyBackup({
    site,
    store,
    destinationName: destination,
    backup,
    catalogue: chain,
    ...(deep && {
      deep: async (bound: Work) => {
        const checks = await deep(chainOf(chain, backup), bound);
        looked = checks.some(({ compared }) => compared);
        return checks;
      },
    }),
    mayGo: true,
    work: { ...work, progress },
  }).catch(unlessGoneOrFrozen);
  if (evidence === 'gone') {
    // Whether it should be there still is told with all that is missing.
    if (wasExpected) expected.add(folder);
    return;
  }
  state.seen.add(folder);
  if (evidence === 'frozen') {
    state.frozen.push(reference);
    done(0);
    return checkLocks(state, backup);
  }
  done(sizes(backup.manifest).stored);
  const wrong = evidence.checks.filter(({ compared, ok }) => compared && !ok);
  const signature = wrong.filter(({ name }) => name === 'signature');
  const others = wrong.filter(({ name }) => name !== 'signature');
  if (signature.length > 0) note(state, { problem: 'wrongly-signed', of: reference, found: signature.map(inWords) });
  if (others.length > 0) note(state, { problem: 'damaged', of: reference, found: others.map(inWords) });
  if (wrong.length === 0 && !looked) state.unchecked.push(reference);
  if (evidence.unrecorded !== null)
    state.unrecorded = { count: (state.unrecorded?.count ?? 0) + 1, why: evidence.unrecorded };
  await checkLocks(state, backup);
}

/** What was deleted meanwhile has no verdict; what lies frozen is no failure of the place, and no proof of it. */
function unlessGoneOrFrozen(error: unknown): 'gone' | 'frozen' {
  if (error instanceof BackupError && error.facts['gone'] === true) return 'gone';
  if (error instanceof BackupError && error.code === 'frozen') return 'frozen';
  throw error;
}

function inWords({ name, detail }: Check): string {
  return `${name}: ${detail}`;
}

/** Codes that speak of this one: it is no manifest, or its disk does not give it back. */
const OF_THE_MANIFEST: ReadonlySet<string> = new Set(['verification-failed', 'failed']);

/** What is no manifest is a damaged backup, of which no more can be said. */
async function readBackup(state: State, folder: string): Promise<Catalogued | undefined> {
  const { store, work } = state.request;
  try {
    const bytes = await store.readSmall(`${folder}/${MANIFEST}`);
    // Removed since it was listed.
    if (bytes === undefined) return undefined;
    const manifest = parseManifest(bytes);
    const { tier, source, id } = manifest;
    return { name: { tier, source, id }, folder, manifest };
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError) || !OF_THE_MANIFEST.has(error.code)) throw error;
    state.backups += 1;
    if (state.request.source === undefined)
      note(state, { problem: 'damaged', of: folder, found: [`manifest: ${error.message}`] });
    return undefined;
  }
}

/** Where a place is to lock what it holds, each object that nobody keeps from being deleted now. */
async function checkLocks(state: State, { name, folder, manifest }: Catalogued): Promise<void> {
  const { store } = state.request;
  if (store.lockedUntil === undefined) return;
  const open: string[] = [];
  for (const object of [MANIFEST, ...manifest.artifacts.map((artifact) => artifact.name)]) {
    const until = await store.lockedUntil(`${folder}/${object}`);
    if (until === null || until.getTime() <= Date.now())
      open.push(`${object}: ${until === null ? 'not locked' : `its lock ended ${until.toISOString()}`}`);
  }
  if (open.length > 0) note(state, { problem: 'unlocked', of: formatReference(name), found: open });
}

async function findMissing(state: State): Promise<void> {
  const { site, store, destination, repository, others } = state.request;
  for (const folder of state.expected) {
    if (destination === null || repository === null) continue;
    const here = await backupIn(repository, folder);
    if (here && !isOwedTo(site, destination, here.manifest)) continue;
    // Retention has deleted it there too since this began.
    if (!here && (await repository.readSmall(`${folder}/${MANIFEST}`)) === undefined) continue;
    const where = `not there, though the repository holds it: mosaic-backup run catch-up copies it`;
    note(state, { problem: 'missing', of: folder, found: [where] });
  }
  for (const named of await backupsNamed([store, ...others], await trustedKeys(site), destination)) {
    if (named.folders.some((folder) => state.seen.has(folder) || state.expected.has(folder))) continue;
    const { source, tier, scheduled } = named;
    // What its time is over is gone by right; in the repository retention removes the oldest first.
    const owed = destination === null || isOwedTo(site, destination, { source, tier, scheduled, started: scheduled });
    if (!owed) continue;
    if (destination === null && !named.folders.some((folder) => state.seen.hasOlder(folder, named.scheduled))) continue;
    const found = [`not there, though the recovery point ${named.recoveryPoint} names it`];
    note(state, { problem: 'missing', of: named.reference, found });
  }
}

function note(state: State, problem: PlaceProblem): void {
  state.problems.push(problem);
  state.request.tell(problem);
}

/** Bytes of all backups together: several are read beside each other. */
function counted(
  state: State,
  reference: string,
): { readonly progress: Work['progress']; readonly done: (bytes: number) => void } {
  const { work } = state.request;
  return {
    progress: (report) =>
      work.progress({
        ...report,
        phase: `${state.backups} verified, now ${reference}`,
        bytes: state.bytes + report.bytes,
        total: null,
      }),
    done: (bytes) => {
      state.backups += 1;
      state.bytes += bytes;
    },
  };
}
