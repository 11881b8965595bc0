/** Which backup a command means: a reference, or `latest`. */
import { BackupError } from '../../model/errors.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { nearest } from '../../model/config/nearest.ts';
import { findBackup, type Catalogued } from '../../activities/storage/catalogue.ts';
import { checkManifest } from '../../activities/storage/manifest-file.ts';
import type { Site } from '../../activities/site.ts';
import { isDatedAhead } from './ahead.ts';
import { isAuthentic, isDamaged, type BackupEntry, type Overview, type Problem } from './overview.ts';
import { REPOSITORY } from './places.ts';

export const LATEST_REFERENCE = 'latest';

/**
 * The backup that a reference names, shortened or not.
 * @param source the one that it must be of, where that was said too.
 * @throws BackupError `not-found`, `ambiguous`, `verification-failed` when it is there but cannot be read, `usage` when it is of another source.
 */
export function chooseByReference(overview: Overview, reference: string, source?: string): BackupEntry {
  const { entries } = overview;
  const found = findReadable(overview, reference);
  const entry = entries.find(({ backup }) => backup === found);
  if (!entry) throw new TypeError('findBackup gives one of its catalogue');
  if (source === undefined || entry.source === source) return entry;
  throw new BackupError('usage', `${entry.reference} is of the source "${entry.source}", not of "${source}".`, {
    remedy: 'Leave --source out, or name a backup of that source.',
    facts: { reference: entry.reference, source },
  });
}

function findReadable(overview: Overview, reference: string): Catalogued {
  try {
    return findBackup(
      ofTheirName(overview).map(({ backup }) => backup),
      reference,
    );
  } catch (error) {
    // What lies there under that name may be damaged so far that it counts as no backup.
    const unreadable = overview.problems.find(
      ({ folder }) => folder !== null && meansFolder(overview, reference, folder),
    );
    if (unreadable === undefined || !(error instanceof BackupError) || error.code !== 'not-found') throw error;
    const { place, problem, folder } = unreadable;
    throw new BackupError('verification-failed', `"${reference}" cannot be read at ${place}: ${problem}`, {
      remedy: 'Use another copy of this backup (--destination, --from), or another backup.',
      facts: { reference, place, folder },
    });
  }
}

/** Where somebody has put another backup under the name of one, somewhere, the name means the one that is ours. */
function ofTheirName(overview: Overview): readonly BackupEntry[] {
  const same = Map.groupBy(overview.entries, (entry) => entry.reference);
  return overview.entries.filter((entry) => {
    const others = same.get(entry.reference) ?? [];
    const isOurs = ({ backup }: BackupEntry) => isAuthentic(overview, backup);
    return others.length === 1 || isOurs(entry) || !others.some(isOurs);
  });
}

/** Whether a reference, shortened or not, means the backup that should be in a folder. Its group is not in its name. */
function meansFolder(overview: Overview, reference: string, folder: string): boolean {
  const [source, id] = sourceAndId(overview, folder);
  const [wantedId = '', wantedSource, wantedTier] = reference.split('/').toReversed();
  if (reference === folder) return true;
  if (id === undefined || wantedId === '' || !id.startsWith(wantedId)) return false;
  // Of a source without any readable backup the folder may not tell the name.
  if (wantedSource !== undefined && source !== undefined && wantedSource !== source) return false;
  const tier = folder.startsWith('configs/') ? 'daily' : folder.split('/')[0];
  return wantedTier === undefined || wantedTier === tier;
}

/**
 * Refuses the name of a source that neither the config nor any backup knows.
 * @throws BackupError `not-found` with the names there are.
 */
export function requireSource({ config }: Site, overview: Overview, source: string | undefined): void {
  if (source === undefined || Object.hasOwn(config.sources, source)) return;
  if (!overview.entries.some((entry) => entry.source === source)) {
    throw noBackup(source, overview, Object.keys(config.sources));
  }
}

/** What can be restored by itself. Logs never are the newest backup of their source: they only reach on from one. */
function isWhole({ backup }: BackupEntry): boolean {
  return backup.manifest.kind !== 'logs';
}

/** The newest backup of each source that has one, verified or not; what is of the future by our clock only where there is nothing else. */
export function newestOfEachSource(
  { entries }: Overview,
  source: string | undefined,
  now = Date.now(),
): readonly BackupEntry[] {
  const wanted = entries.filter((entry) => isWhole(entry) && (source === undefined || entry.source === source));
  return [...Map.groupBy(wanted, (entry) => entry.source).values()].flatMap(
    (group) => group.find((one) => !isDatedAhead(one, now)) ?? group.slice(0, 1),
  );
}

/**
 * What should be a backup newer than the newest that can be read of its source, and is none: its manifest is damaged or
 * of another backup. Nobody can choose it, so whoever chooses the newest must hear of it.
 */
export function unreadableNewest(overview: Overview, source: string | undefined): readonly Problem[] {
  const newest = new Map(newestOfEachSource(overview, source).map((entry) => [entry.source, entry.backup.name.id]));
  return overview.problems.filter(({ folder }) => {
    const [of, id] = sourceAndId(overview, folder);
    if (isOfLogs(folder)) return false;
    return of !== undefined && (source === undefined || of === source) && isNewerId(id, newest.get(of));
  });
}

/** Ids begin with their time: they sort by it. */
function isNewerId(id: string | undefined, than: string | undefined): boolean {
  return id !== undefined && (than === undefined || id > than);
}

/** `configs/stack/20261123T020000Z-full` → source and id. */
function sourceAndId(
  { entries }: Overview,
  folder: string | null,
): readonly [source: string | undefined, id: string | undefined] {
  if (isOfLogs(folder)) {
    const [, of, , idOfLogs] = folder?.split('/') ?? [];
    return [of, idOfLogs];
  }
  const [source, id] = folder?.split('/').slice(-2) ?? [];
  if (!folder?.startsWith(SYSTEM)) return [source, id];
  // The one folder that does not bear the name of its source: its other backups do.
  return [entries.find(({ backup }) => backup.folder.startsWith(SYSTEM))?.source, id];
}

const SYSTEM = 'daily/system/';

function isOfLogs(folder: string | null): boolean {
  return folder?.startsWith('logs/') ?? false;
}

export interface Latest {
  readonly entry: BackupEntry;
  /** Whether a check is on record for it. Without one a restore looks at every byte itself, as it always does. */
  readonly verified: boolean;
  /** Milliseconds since its capture began. */
  readonly age: number;
  /** What came after it and is not it: newer backups that are unverified or damaged, newer runs that failed. */
  readonly newer: readonly string[];
}

/**
 * The newest backup of a source that is sealed and verified, over all tiers, and so far as is known has its whole chain.
 *
 * At a destination a copy counts unless a check found it damaged: its manifest was put there last, after the other
 * side had read every byte back. The repository's evidence may be gone with it, and must not cost the newest copy.
 * In the repository the same holds where no check at all has left a word. What a check found at another place says
 * nothing against the copy at this one.
 * @param place the one that the overview is of.
 * @throws BackupError `not-found` when the source has no backup, or only damaged and unverified ones.
 */
export function latestOf(overview: Overview, source: string, place: string, now = Date.now()): Latest {
  const own = overview.entries.filter((entry) => isWhole(entry) && entry.source === source);
  if (own.length === 0) throw noBackup(source, overview);
  const lenient = place !== REPOSITORY || !own.some(isChecked);
  const isUsable = (one: BackupEntry): boolean => (lenient || isChecked(one)) && flawOf(overview, one, place) === null;
  // What a wrong clock has dated into the future may be older than all others: it is taken where there is nothing else.
  const entry = own.find((one) => !isDatedAhead(one, now) && isUsable(one)) ?? own.find(isUsable);
  if (!entry) throw noneVerified(overview, { source, own, place });
  const newerEntries = own
    .slice(0, own.indexOf(entry))
    .map((newer) =>
      isUsable(newer) ? `${newer.reference} is of the future by our clock` : whyNot(overview, newer, place),
    );
  const failures = overview.recoveryPoints
    .filter((point) => isLater(point, entry))
    .flatMap((point) => failureIn(point, source));
  const unreadable = overview.problems.flatMap(({ folder, problem }) => {
    const [of, id] = sourceAndId(overview, folder);
    return of === source && !isOfLogs(folder) && isNewerId(id, entry.backup.name.id) ? [problem] : [];
  });
  const age = now - Date.parse(entry.backup.manifest.started);
  return { entry, verified: isChecked(entry), age, newer: [...unreadable, ...newerEntries, ...failures] };
}

/**
 * The newest backup that a recovery point names after this one, where the overview has it not: it was made on another host, or its copy
 * is owed. Whoever restores here would lose what came between.
 */
export function elsewhereSince({ entries, recoveryPoints }: Overview, entry: BackupEntry): string | undefined {
  const here = new Set(entries.map(({ sha256 }) => sha256));
  const later = recoveryPoints
    .filter((point) => isLater(point, entry))
    .toSorted((a, b) => b.scheduled.localeCompare(a.scheduled));
  for (const { id, sources } of later) {
    const made = sources.find(({ source, stale }) => source === entry.source && !stale);
    if (!made?.backup) continue;
    if (here.has(made.backup.sha256)) return undefined;
    const places = made.copies.length === 0 ? '' : `; it has copies at: ${made.copies.join(', ')} (--from)`;
    return `${made.backup.reference}, which ${id} made, is not here${places}`;
  }
  return undefined;
}

/** The newest backup after this one that is damaged here, or cannot be restored from here, and can be from another place; undefined where there is none. */
export function soundElsewhere(
  overview: Overview,
  { source, backup }: BackupEntry,
  { here, others }: { readonly here: string; readonly others: readonly string[] },
): { readonly place: string; readonly reference: string; readonly why: string } | undefined {
  const own = overview.entries.filter((entry) => isWhole(entry) && entry.source === source);
  for (const entry of own.slice(
    0,
    Math.max(
      0,
      own.findIndex((one) => one.backup === backup),
    ),
  )) {
    const flaw = flawOf(overview, entry, here);
    const place = others.find((name) => entry.places.includes(name) && flawOf(overview, entry, name) === null);
    if (flaw !== null && place !== undefined)
      return { place, reference: entry.reference, why: `${here}: ${entry.reference} ${flaw}` };
  }
  return undefined;
}

function isChecked({ verified, proven }: BackupEntry): boolean {
  return verified.length > 0 || proven !== null;
}

/** Why a restore from this place is known to fail, to follow the backup's name; null when nothing speaks against it. */
export function flawOf(overview: Pick<Overview, 'trusted'>, entry: BackupEntry, at: string): string | null {
  if (isDamaged(entry, at)) return 'is damaged';
  const broken = entry.broken.find(({ place }) => place === at)?.problem;
  return broken ?? (isAuthentic(overview, entry.backup) ? null : STRANGE);
}

const STRANGE = 'is not what a trusted key has signed';

function whyNot(overview: Overview, entry: BackupEntry, at: string): string {
  return `${entry.reference} ${flawOf(overview, entry, at) ?? 'is not verified'}`;
}

function isLater(point: RecoveryPoint, { backup }: BackupEntry): boolean {
  return point.scheduled > backup.manifest.scheduled;
}

function failureIn(point: RecoveryPoint, source: string): readonly string[] {
  const found = point.sources.find((entry) => entry.source === source && entry.stale);
  return found ? [`the run ${point.id} captured nothing: ${found.error ?? found.outcome}`] : [];
}

function noBackup(source: string, { entries }: Overview, configured: readonly string[] = []): BackupError {
  const known = [...new Set([...entries.filter(isWhole).map((entry) => entry.source), ...configured])];
  const near = nearest(source, known);
  return new BackupError('not-found', `There is no backup of "${source}" here.`, {
    remedy: near
      ? `Did you mean "${near}"?`
      : known.length > 0
        ? `There ${configured.length > 0 ? 'are' : 'are backups of'}: ${known.join(', ')}.`
        : 'Look at another place with --destination (or --from).',
    facts: { source },
  });
}

function requireAuthentic({ trusted }: Overview, [newest]: readonly BackupEntry[]): void {
  if (newest) checkManifest(newest.backup.manifest, trusted);
}

interface Own {
  readonly source: string;
  readonly own: readonly BackupEntry[];
  readonly place: string;
}

function noneVerified(overview: Overview, { source, own, place }: Own): BackupError {
  // A key that is missing in the config, rather than a stranger: it is told what to do.
  if (own.every(({ backup }) => !isAuthentic(overview, backup))) requireAuthentic(overview, own);
  // Where one may be good, that is the one to look at: what is damaged was looked at already.
  const newest = (own.find((entry) => flawOf(overview, entry, place) === null) ?? own[0])?.reference ?? '';
  const reasons = own.map((entry) => whyNot(overview, entry, place));
  const message = `None of the ${own.length} backups of "${source}" at ${place} is verified and whole: ${reasons.slice(0, 3).join('; ')}${reasons.length > 3 ? '; …' : ''}.`;
  return new BackupError('not-found', message, {
    remedy: `Verify one (mosaic-backup verify ${newest}), name the one to use, or take another place (--from).`,
    facts: { source, newest, reasons },
  });
}
