/** How a site stands: per source its newest backup against its objective, its copies against 3-2-1, and the recovery kit. */
import type { Site } from '../../activities/site.ts';
import { readDrills } from '../../activities/operations/drill/read.ts';
import { sitePlacement } from '../../activities/storage/placement.ts';
import type { Finding } from '../../model/finding.ts';
import type { SourcePlacement } from '../../model/placement.ts';
import { formatDuration } from '../../model/units.ts';
import { shipsLogs } from '../../activities/operations/ship-logs.ts';
import { aheadOf, aheadText, isDatedAhead } from './ahead.ts';
import { copiesFindings, copiesStatus, isWholeNow, type DestinationStatus } from './copies.ts';
import { drillFindings, lastDrills, type DrillStatus } from './drills.ts';
import { firstOf } from './first-run.ts';
import { inPlaceFindings, restoredSince } from './in-place.ts';
import { kitConfirmation } from './kit-confirmation.ts';
import { logsStatus, type LogsStatus } from './logs-status.ts';
import { openHooksFindings } from './open-hooks.ts';
import { proofFindings, provenAt } from './proof.ts';
import { isAuthentic, readOverview, verdictOf, type Overview, type Problem, type Verdict } from './overview.ts';

export interface SourceStatus {
  readonly source: string;
  readonly type: string;
  readonly newest: string | null;
  /** Reference of what looks newer than that, and is not what a trusted key has signed. */
  readonly strange: string | null;
  /** References of what is of the future by our clock: none of them is the newest. */
  readonly ahead: readonly string[];
  /** Milliseconds since the newest capture began; null without one. */
  readonly age: number | null;
  /** Milliseconds, from `objectives.rpo`; null where the config sets none. */
  readonly objective: number | null;
  readonly checked: Verdict | null;
  /** RFC 3339: when a restore of any of its backups was last tested, and held; null where none was. */
  readonly proven: string | null;
  /** RFC 3339: when its oldest backup was made; null without one. */
  readonly since: string | null;
  /** What is wrong with what the newest builds on, each place in words. */
  readonly broken: readonly string[];
  readonly copies: number;
  readonly devices: number;
  readonly offsite: number;
  readonly places: readonly string[];
  /** Null where the source ships no logs. */
  readonly logs: LogsStatus | null;
}

export interface SiteStatus {
  readonly site: string;
  readonly host: string;
  readonly sources: readonly SourceStatus[];
  /** How far each destination is behind the repository. */
  readonly destinations: readonly DestinationStatus[];
  /** How the newest run that signed a recovery point ended; null before the first. */
  readonly lastRun: LastRun | null;
  /** The last drill of each scenario, the newest first. */
  readonly drills: readonly DrillStatus[];
  /** When the recovery kit was confirmed as stored elsewhere; null while it is not. */
  readonly kitConfirmed: string | null;
  readonly findings: readonly Finding[];
}

export interface LastRun {
  readonly id: string;
  readonly outcome: string;
  /** It ended partial by a copy, which was made up for. */
  readonly wholeNow: boolean;
}

/** Source without an objective of its own: a daily that is missing for so long is overdue, in ms. */
export const OVERDUE = 36 * 3_600_000;

export async function siteStatus(site: Site, now = Date.now()): Promise<SiteStatus> {
  const [overview, placement, kitConfirmed, restores, open, drills] = await Promise.all([
    readOverview(site),
    sitePlacement(site),
    kitConfirmation(site),
    inPlaceFindings(site),
    openHooksFindings(site, now),
    readDrills(site),
  ]);
  const sources = await Promise.all(
    placement.sources.map(async (placed) => {
      const since = await restoredSince(site, placed.source);
      return sourceStatus({ site, placed, overview, since, now });
    }),
  );
  const destinations = await copiesStatus(site, overview, { logs: true, now });
  const absent = new Set(destinations.filter(({ state }) => state === 'absent').map(({ destination }) => destination));
  const [last] = overview.recoveryPoints;
  return {
    site: site.config.site,
    host: site.host,
    sources,
    destinations,
    lastRun: last ? { id: last.id, outcome: last.outcome, wholeNow: isWholeNow(site, last, overview.entries) } : null,
    drills: lastDrills(drills.read, now),
    kitConfirmed,
    findings: [
      ...(kitConfirmed === null ? [kitFinding()] : []),
      ...sources.flatMap(sourceFindings),
      ...sources.flatMap((source) => proofFindings(site, source, now)),
      ...drillFindings(site, { drills: drills.read, since: firstOf(overview.recoveryPoints), now }, drills.problems),
      ...restores,
      ...open,
      ...copiesFindings(site, destinations, now),
      // A removable disk that is absent is as it should be, until its copies are too old.
      ...placement.findings.filter(({ code, subject }) => code !== 'placement.unreachable' || !absent.has(subject)),
      ...overview.problems.flatMap(logsFindings),
    ],
  };
}

/** Logs that count for nothing: what they covered, and all behind them, cannot be restored from there. */
function logsFindings({ place, problem, folder }: Problem): readonly Finding[] {
  if (!folder?.startsWith('logs/')) return [];
  return [
    {
      code: 'status.logs-unreadable',
      severity: 'warning',
      message: `${place}: ${problem}`,
      remedy: 'See what happened to it, then move it away; another copy can be copied there again.',
      subject: place,
    },
  ];
}

/** The kit's own finding, for `status` and `doctor`. */
export function kitFinding(): Finding {
  return {
    code: 'keys.kit-unconfirmed',
    severity: 'error',
    message:
      'nobody has confirmed that the recovery kit is stored elsewhere: with this machine, every backup could be lost',
    remedy:
      'mosaic-backup keys kit > kit.txt; store it with the second identity off this machine; then mosaic-backup keys kit --confirm',
    subject: 'keys',
  };
}

interface Asked {
  readonly site: Site;
  readonly placed: SourcePlacement;
  readonly overview: Overview;
  /** RFC 3339: when it was restored in place last. What was backed up before are other data than the server's. */
  readonly since: string | null;
  readonly now: number;
}

function sourceStatus({ site, placed, overview, since, now }: Asked): SourceStatus {
  const { entries } = overview;
  const { source, copies, devices, offsite, places } = placed;
  const config = site.config.sources[source];
  const own = entries.filter((entry) => entry.source === source && entry.backup.name.tier !== null);
  const ahead = aheadOf(overview, source, now);
  // What a stranger has put somewhere is nobody's newest success, and neither is what a wrong clock has dated ahead.
  const passedOver = new Set(ahead);
  const dated = own.filter((entry) => !passedOver.has(entry));
  const newest = dated.find((entry) => !isDatedAhead(entry, now) && isAuthentic(overview, entry.backup));
  return {
    source,
    type: config?.type ?? '',
    newest: newest?.reference ?? null,
    strange: dated[0] === newest ? null : (dated[0]?.reference ?? null),
    ahead: ahead.map(({ reference }) => reference),
    age: newest ? Math.max(0, now - Date.parse(newest.backup.manifest.started)) : null,
    objective: config?.objectives?.rpo ?? null,
    checked: newest ? verdictOf(newest) : null,
    proven: provenAt(own, now),
    since: own.map(({ backup }) => backup.manifest.started).toSorted()[0] ?? null,
    broken: newest?.broken.map(({ problem }) => problem) ?? [],
    copies,
    devices,
    offsite,
    places,
    logs: config && shipsLogs(config) ? logsStatus({ overview, since, source, now }) : null,
  };
}

/** What would be lost now, in milliseconds of time: since the newest capture began, or since the logs behind it end. Null without a newest. */
export function lossOf({ age, logs }: Pick<SourceStatus, 'age' | 'logs'>): number | null {
  return age === null ? null : Math.min(age, logs?.lag ?? age);
}

function strangeFindings({ source, strange }: SourceStatus): readonly Finding[] {
  if (strange === null) return [];
  const message = `${source}: ${strange} is newer than all that counts, and is not what a trusted key has signed`;
  const remedy =
    'If a host of this site made it, add its public key to signing.trusted; else find out who can write where it lies: mosaic-backup show';
  return [{ code: 'status.strange', severity: 'error', message, remedy: `${remedy} ${strange}`, subject: source }];
}

function aheadFindings({ source, ahead }: SourceStatus): readonly Finding[] {
  const text = aheadText(source, ahead);
  return text === null ? [] : [{ code: 'status.future', severity: 'warning', ...text, subject: source }];
}

function sourceFindings(status: SourceStatus): readonly Finding[] {
  const { source, newest, age, objective, checked, broken, logs } = status;
  const loss = lossOf(status);
  const findings: Finding[] = [...strangeFindings(status), ...aheadFindings(status)];
  if (newest === null || age === null || loss === null) return findings;
  if (logs?.restorableUntil === null) {
    findings.push({
      code: 'status.no-pitr',
      severity: 'warning',
      message: `${source}: no logs reach back to a backup yet, so that nothing between two backups can be restored`,
      remedy: `mosaic-backup run daily --source ${source}; then mosaic-backup run logs --source ${source}`,
      subject: source,
    });
  }
  if (objective !== null && loss > objective && logs?.lag) {
    findings.push({
      code: 'status.objective',
      severity: 'error',
      message: `${source}: it can be restored up to ${formatDuration(loss)} ago, the objective is ${formatDuration(objective)}`,
      remedy: `mosaic-backup run logs --source ${source}`,
      subject: source,
    });
  } else if (objective !== null && loss > objective) {
    const message = `${source}: the newest backup is ${formatDuration(age)} old, the objective is ${formatDuration(objective)}`;
    findings.push({
      code: 'status.objective',
      severity: 'error',
      message,
      remedy: `mosaic-backup run daily --source ${source}`,
      subject: source,
    });
  } else if (objective === null && age > OVERDUE) {
    const message = `${source}: the newest backup is ${formatDuration(age)} old`;
    findings.push({
      code: 'status.overdue',
      severity: 'warning',
      message,
      remedy: `mosaic-backup run daily --source ${source}`,
      subject: source,
    });
  }
  if (checked === 'damaged') {
    const remedy = `mosaic-backup show ${newest}; then mosaic-backup run daily --source ${source}`;
    findings.push({
      code: 'status.damaged',
      severity: 'error',
      message: `${source}: a copy of ${newest} is damaged`,
      remedy,
      subject: source,
    });
  }
  if (broken.length > 0) {
    findings.push({
      code: 'status.broken',
      severity: 'error',
      message: `${source}: ${newest} ${broken.join('; it ')}: it cannot be restored from there`,
      remedy: `mosaic-backup restore latest --source ${source} takes an older one; bring a whole copy of what is named back, or make a new full`,
      subject: source,
    });
  }
  if (checked === 'unverified') {
    const message = `${source}: ${newest} was never verified`;
    findings.push({
      code: 'status.unverified',
      severity: 'warning',
      message,
      remedy: `mosaic-backup verify ${newest}`,
      subject: source,
    });
  }
  return findings;
}
