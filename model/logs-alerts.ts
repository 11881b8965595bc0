/** What is wrong with the shipping of logs, from what a tick found. Pure. */
import type { Condition } from './alert.ts';
import type { LogsFacts, LogsSpec, MissingLogs, ServerStanding } from './logs-run.ts';
import type { SourceReport } from './run.ts';
import type { SourceType } from './source.ts';
import { formatBytes, formatDuration } from './units.ts';

/** When something is an alert. */
export interface Thresholds {
  /** Milliseconds: logs that are older than that are not shipped any more. */
  readonly stalled: number;
  /** Bytes free in our own folders, and where a server's data and logs lie. */
  readonly space: number;
  readonly serverSpace: number;
  /** Part of what a slot may keep. */
  readonly slotUse: number;
}

/** A tick, with what was known before it. */
export interface Ticked {
  readonly spec: LogsSpec;
  readonly sources: readonly SourceReport[];
  /** RFC 3339, by source: when its logs were last known to be shipped. */
  readonly fresh: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * When the logs of each source were last shipped: now, where this tick did, also where nothing was new; else when the
 * newest were sealed; where nothing is known of them, since they are waited for.
 */
export function freshness({ sources, fresh, now }: Omit<Ticked, 'spec'>): Readonly<Record<string, string>> {
  const known = sources.map(({ source, logs }) => {
    if (logs?.shipped) return [source, new Date(now).toISOString()] as const;
    const times = [logs?.sealed, fresh[source]].filter((time) => time !== undefined && time !== null);
    return [source, times.toSorted().at(-1) ?? new Date(now).toISOString()] as const;
  });
  return { ...fresh, ...Object.fromEntries(known) };
}

/** @param fresh as `freshness` gives it after this tick. */
export function conditions(ticked: Ticked, thresholds: Thresholds): readonly Condition[] {
  const { spec, sources, fresh, now } = ticked;
  const steps = new Map(spec.steps.map((step) => [step.source, step]));
  const ofSources = sources.flatMap((report) => {
    const { source, logs } = report;
    const step = steps.get(source);
    const of = { source, host: step?.host ?? '' };
    const age = now - Date.parse(fresh[source] ?? new Date(now).toISOString());
    return [
      ...(age >= thresholds.stalled ? [stalledCondition(report, of.host, age)] : []),
      ...(logs?.gap ? [hole(of, step?.type, logs.gap, spec.runId)] : []),
      ...(logs?.missing ?? []).map((range) => missing(of, range, step?.destinations ?? [])),
      ...(logs?.slotLost ? [slotLost(of, logs.slotLost, spec.runId)] : []),
      ...conflicts(of, report),
      ...(logs?.stray ? [stray(of, logs.stray)] : []),
      ...(logs?.server ? onServer(of, logs.server, thresholds) : []),
      ...(logs?.beside ?? []).flatMap(({ source: other, space }) =>
        fullServer({ ...of, source: other }, space, thresholds),
      ),
    ];
  });
  const ofHosts = sources.flatMap(({ source, logs }) =>
    littleSpace(steps.get(source)?.host ?? '', logs?.space ?? [], thresholds.space),
  );
  return [...ofSources, ...new Map(ofHosts.map((one) => [one.key, one])).values()];
}

function stalledCondition({ source, errors }: SourceReport, host: string, age: number): Condition {
  const [error] = errors;
  const why = error ? ` ${error.step}: ${error.message}` : '';
  return {
    alert: 'logs-stalled',
    key: `logs-stalled/${source}`,
    source,
    host,
    message: `The logs of ${source} have not been shipped for ${formatDuration(age)}: what was written since would be lost.${why}`,
    remedy: error?.remedy ?? `mosaic-backup run logs --source ${source} says why.`,
    once: false,
  };
}

interface Of {
  readonly source: string;
  readonly host: string;
}

/** What removes logs before they are shipped, and what holds it off. */
const WHY_A_HOLE: Readonly<Partial<Record<SourceType, string>>> = {
  postgres: 'Find out what dropped the slot or removed its WAL: max_slot_wal_keep_size limits what it keeps.',
  mariadb: 'Find out what purged the binary logs: binlog_expire_logs_seconds must be longer than any outage.',
};

function hole(of: Of, type: SourceType | undefined, message: string, run: string): Condition {
  const why = (type && WHY_A_HOLE[type]) ?? 'Find out what removed them.';
  return {
    ...of,
    alert: 'logs-hole',
    key: `logs-hole/${of.source}/${run}`,
    message: `${of.source}: ${message}`,
    remedy: `A full is made at once (mosaic-backup status shows from when on any time can be restored again). ${why}`,
    once: true,
  };
}

/** They came, and are gone: a copy of them may be whole. */
function missing(of: Of, { from, to }: MissingLogs, destinations: readonly string[]): Condition {
  const { source } = of;
  const [copy = 'NAME'] = destinations;
  const until = to === null ? 'on' : `until ${to}, where a later backup ends`;
  const now =
    to === null
      ? ` mosaic-backup run daily --source ${source} makes a backup that times from now on are restored from.`
      : '';
  return {
    ...of,
    alert: 'logs-missing',
    key: `logs-missing/${source}/${from}`,
    message: `${source}: backups of logs are gone from the repository, or their manifests cannot be read. It can be restored to any time up to ${from}, and to none from there ${until}.`,
    remedy: `${destinations.length > 0 ? `${destinations.join(' or ')} may still hold them` : 'Another copy may still hold them'}: mosaic-backup restore latest --source ${source} --at TIME --from ${copy} --to DIR restores from there, and mosaic-backup list --logs --source ${source} --destination ${copy} says what there is. Copied from there to the same place below logs/${source} of the repository, they count again.${now} Find out who removed them.`,
    once: false,
  };
}

function slotLost(of: Of, why: string, run: string): Condition {
  return {
    ...of,
    alert: 'slot-lost',
    key: `slot-lost/${of.source}/${run}`,
    message: `${of.source}: ${why} It was made anew; where WAL is missing since then, another alert tells of the hole.`,
    remedy:
      'Find out who dropped it, or what kept the logs from being shipped for so long: while there is no slot, the server removes WAL that nobody has.',
    once: true,
  };
}

/** It is the operator's: it may be all that there is of a time. */
function stray(of: Of, message: string): Condition {
  return {
    ...of,
    alert: 'logs-stray',
    key: `logs-stray/${of.source}`,
    message: `${of.source}: ${message}`,
    remedy:
      'Find out where it comes from, and move it out of the spool. Keep what may fill a hole: it can be replayed by hand.',
    once: false,
  };
}

/** What the server has contradicts what is sealed: no further attempt heals that, so nobody waits until it has stalled. */
function conflicts(of: Of, { errors }: SourceReport): readonly Condition[] {
  const found = errors.find(({ step, code }) => step === 'ship' && code === 'conflict');
  if (!found) return [];
  const { message, remedy } = found;
  return [
    {
      ...of,
      alert: 'logs-conflict',
      key: `logs-conflict/${of.source}`,
      message: `${of.source}: ${message}`,
      remedy: remedy ?? `mosaic-backup run logs --source ${of.source} says more.`,
      once: false,
    },
  ];
}

/** A server's disk that fills up. */
function fullServer({ source, host }: Of, space: ServerStanding['space'], limits: Thresholds): readonly Condition[] {
  return space
    .filter(({ free }) => free < limits.serverSpace)
    .map(({ path, free }) => ({
      source,
      host,
      alert: 'server-space',
      key: `server-space/${source}/${path}`,
      message: `${path}, of the server of ${source}, has ${formatBytes(free)} free, and ${formatBytes(limits.serverSpace)} are to be spared: a database whose disk is full stops.`,
      remedy: 'Free space there, or move it to a bigger disk. plans.logs.serverSpace sets the limit.',
      once: false,
    }));
}

function onServer(of: Of, { space, slot }: ServerStanding, limits: Thresholds): readonly Condition[] {
  const full = fullServer(of, space, limits);
  if (!slot || slot.limit === null || slot.kept < slot.limit * limits.slotUse) return full;
  return [
    ...full,
    {
      ...of,
      alert: 'slot-behind',
      key: `slot-behind/${of.source}`,
      message: `The slot ${slot.name} of ${of.source} keeps ${formatBytes(slot.kept)} of WAL that is not shipped, and loses it above ${formatBytes(slot.limit)}.`,
      remedy: `mosaic-backup run logs --source ${of.source} ships it, or says what is wrong. Until then more can be kept: ALTER SYSTEM SET max_slot_wal_keep_size, as much as the disk of pg_wal can spare; SELECT pg_reload_conf();`,
      once: false,
    },
  ];
}

function littleSpace(host: string, found: LogsFacts['space'], spare: number): readonly Condition[] {
  return found
    .filter(({ free }) => free < spare)
    .map(({ path, free }) => ({
      alert: 'little-space',
      key: `little-space/${host}/${path}`,
      source: null,
      host,
      message: `${path} on ${host} has ${formatBytes(free)} free, and ${formatBytes(spare)} are to be spared: shipping stops when it is full.`,
      remedy: 'Free space there, or move it to a bigger disk. plans.logs.spareSpace sets the limit.',
      once: false,
    }));
}
