/** How far each destination is behind the repository, and runs that have become whole since. */
import { readHeld } from '../../activities/operations/catch-up/memory.ts';
import { newestIn } from '../../activities/operations/catch-up/owing.ts';
import { isOwedTo } from '../../activities/operations/owed-to.ts';
import { destinationsOf, isRemovableIn } from '../../activities/operations/plan-run.ts';
import type { Site } from '../../activities/site.ts';
import { alertAfterOf } from '../../model/config/destination.ts';
import type { Finding } from '../../model/finding.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';
import { openingOf } from '../../model/windows.ts';
import type { BackupEntry, Overview } from './overview.ts';
import { REPOSITORY } from './places.ts';

/** `served`: nothing is owed. `waiting`: until a window opens. `absent`: a removable disk that is not there. */
export type CopiesState = 'served' | 'behind' | 'waiting' | 'absent' | 'unreachable';

export interface DestinationStatus {
  readonly destination: string;
  readonly state: CopiesState;
  /** Fulls and incrementals of the repository that it lacks, and their stored bytes. */
  readonly backups: number;
  readonly bytes: number;
  /** RFC 3339: when the oldest of them was made; null where there are none. */
  readonly since: string | null;
  /** Backups of logs that it lacks; null where logs were not looked at. */
  readonly logs: number | null;
  /** RFC 3339: scheduled time of the newest backup that it holds. */
  readonly newest: string | null;
  /** RFC 3339: of a destination that is away, when it was compared last; null: never. */
  readonly seen: string | null;
}

/** Each destination of the config; none can be told of while the repository is away. */
export async function copiesStatus(
  site: Site,
  overview: Overview,
  { logs, now }: { readonly logs: boolean; readonly now: number },
): Promise<readonly DestinationStatus[]> {
  if (!overview.places.includes(REPOSITORY)) return [];
  const here = overview.entries.filter(({ places }) => places.includes(REPOSITORY));
  return Promise.all(
    Object.keys(site.config.destinations).map((name) => destinationStatus(site, name, { overview, here, logs, now })),
  );
}

interface Asked {
  readonly overview: Overview;
  /** What the repository holds. */
  readonly here: readonly BackupEntry[];
  readonly logs: boolean;
  readonly now: number;
}

async function destinationStatus(
  site: Site,
  destination: string,
  { overview, here, logs, now }: Asked,
): Promise<DestinationStatus> {
  const reached = overview.places.includes(destination);
  const remembered = reached ? undefined : await readHeld(site, destination);
  const before = new Set(remembered?.held ?? []);
  const isHeld = ({ places, backup }: BackupEntry) =>
    reached ? places.includes(destination) : before.has(backup.folder);
  const owed = here.filter((entry) => isOwedTo(site, destination, entry.backup.manifest) && !isHeld(entry));
  const backups = owed.filter(({ backup }) => backup.name.tier !== null);
  const held = reached
    ? overview.entries.filter(({ places }) => places.includes(destination)).map(({ backup }) => backup.folder)
    : [...before];
  const late = backups.length > 0;
  return {
    destination,
    state: stateOf(site, destination, { reached, late, now }),
    backups: backups.length,
    bytes: backups.reduce((sum, { stored }) => sum + stored, 0),
    since: backups.map(({ backup }) => backup.manifest.finished).toSorted()[0] ?? null,
    logs: logs && reached ? owed.length - backups.length : null,
    newest: newestIn(held),
    seen: remembered?.compared || null,
  };
}

function stateOf(
  site: Site,
  destination: string,
  { reached, late, now }: { readonly reached: boolean; readonly late: boolean; readonly now: number },
): CopiesState {
  if (!reached) return isRemovableIn(site, destination) ? 'absent' : 'unreachable';
  if (!late) return 'served';
  return openingOf(site.config.destinations[destination]?.windows, now, site.config.timeZone).open
    ? 'behind'
    : 'waiting';
}

/** `vault: behind by 3 backups (1.2 GiB) since 2026-11-23T02:00:09Z`; undefined where it is not. */
export function behindText({ destination, state, backups, bytes, since, seen }: DestinationStatus): string | undefined {
  if (backups === 0) return undefined;
  const away = state === 'absent' || state === 'unreachable' ? ` (${state}, looked at last ${seen ?? 'never'})` : '';
  const later = state === 'waiting' ? ' (until its window opens)' : '';
  return `${destination}: behind by ${backups} backups (${formatBytes(bytes)}) since ${since}${away}${later}`;
}

/** Behind for longer than its config allows. */
export function copiesFindings(site: Site, statuses: readonly DestinationStatus[], now: number): readonly Finding[] {
  return statuses.flatMap((status) => {
    const config = site.config.destinations[status.destination];
    const removable = isRemovableIn(site, status.destination);
    const since = removable ? (status.newest ?? status.since) : status.since;
    if (config === undefined || since === null || status.backups === 0) return [];
    const age = now - Date.parse(since);
    if (age < alertAfterOf(config)) return [];
    const message = removable
      ? `the newest copy on the removable disk ${status.destination} is ${formatDuration(age)} old`
      : `${behindText(status)}`;
    const remedy = removable
      ? 'Plug it in and mount it, then: mosaic-backup run catch-up'
      : 'mosaic-backup run catch-up copies it now, or says what is wrong';
    return [{ code: 'status.copies-behind', severity: 'warning', message, remedy, subject: status.destination }];
  });
}

/**
 * Whether a run that ended partial by a copy has become whole: all that it captured is verified, and at every place that
 * takes it. The recovery point itself says how the run ended, and is never changed by this.
 */
export function isWholeNow(site: Site, { outcome, sources }: RecoveryPoint, entries: readonly BackupEntry[]): boolean {
  if (outcome !== 'partial') return false;
  const byDigest = new Map(entries.map((entry) => [entry.sha256, entry]));
  return sources.every(({ backup, stale, outcome: of, error }) => {
    if (of === 'complete') return true;
    if (backup === null || stale || (error !== null && !error.startsWith('copy to '))) return false;
    const entry = byDigest.get(backup.sha256);
    return entry !== undefined && isWhole(site, entry);
  });
}

function isWhole(site: Site, { backup, places, verified }: BackupEntry): boolean {
  const { manifest, name } = backup;
  return (
    destinationsOf(site, name.tier ?? 'daily').every((destination) => places.includes(destination)) &&
    verified.some(({ place, ok }) => place === REPOSITORY && ok) &&
    !manifest.warnings.some(({ partial }) => partial)
  );
}
