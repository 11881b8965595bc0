/** What is wrong with the shipping of logs, from what a tick found. Pure. */
import type { Condition } from './alert.ts';
import type { LogsFacts, LogsSpec } from './logs-run.ts';
import type { SourceReport } from './run.ts';
import { formatBytes, formatDuration } from './units.ts';

/** When something is an alert. */
export interface Thresholds {
  /** Milliseconds: logs that are older than that are not shipped any more. */
  readonly stalled: number;
  /** Bytes. */
  readonly space: number;
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
export function conditions(ticked: Ticked, { stalled, space }: Thresholds): readonly Condition[] {
  const { spec, sources, fresh, now } = ticked;
  const hosts = new Map(spec.steps.map(({ source, host }) => [source, host]));
  const ofSources = sources.flatMap((report) => {
    const host = hosts.get(report.source) ?? '';
    const age = now - Date.parse(fresh[report.source] ?? new Date(now).toISOString());
    return [
      ...(age >= stalled ? [stalledCondition(report, host, age)] : []),
      ...(report.logs?.gap ? [hole(report.source, host, report.logs.gap, spec.runId)] : []),
    ];
  });
  const ofHosts = sources.flatMap(({ source, logs }) => littleSpace(hosts.get(source) ?? '', logs?.space ?? [], space));
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

function hole(source: string, host: string, message: string, run: string): Condition {
  return {
    alert: 'logs-hole',
    key: `logs-hole/${source}/${run}`,
    source,
    host,
    message: `${source}: ${message}`,
    remedy: `A full is made at once (mosaic-backup status shows from when on any time can be restored again). Find out what dropped the slot or removed its WAL: max_slot_wal_keep_size limits what it keeps.`,
    once: true,
  };
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
