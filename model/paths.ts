/**
 * Where everything lies below a repository and at every destination: the same keys everywhere.
 * `/` separates; no key starts or ends with one.
 */
import { GROUPS } from './source.ts';
import type { Group, Kind, Tier } from './source.ts';
import { compactTime, expandTime } from './time.ts';

export const MANIFEST = 'manifest.json';
export const KEY_FILE = 'key.age';
export const STAGING = '.staging';
/** Local link to the newest backup of a source in its tier. */
export const LATEST = 'latest';

export interface BackupPlace {
  readonly source: string;
  readonly group: Group;
  readonly tier: Tier;
  readonly id: string;
}

/** A backup's id, from the scheduled time of its run: any step done twice gives one result. */
export function backupId(scheduled: string, kind: Kind): string {
  return `${compactTime(scheduled)}-${kind}`;
}

/** The scheduled time and kind that a backup's id is made of; undefined when the text is no such id. */
export function parseBackupId(id: string): { readonly scheduled: string; readonly kind: Kind } | undefined {
  const match = /^(\d{8}T\d{6}Z)-(full|incremental)$/.exec(id);
  if (!match?.[1] || !match[2]) return undefined;
  return { scheduled: expandTime(match[1]), kind: match[2] as Kind };
}

/** The folder that holds all backups of a source in a tier: `daily/postgres`, `daily/apps/wiki`, `configs/stack`. */
export function sourceFolder(place: Omit<BackupPlace, 'id'>): string {
  if (place.tier !== 'daily') return `${place.tier}/${place.source}`;
  if (place.group === 'configs') return `configs/${place.source}`;
  if (place.group === 'apps') return `daily/apps/${place.source}`;
  if (place.group === 'system') return 'daily/system';
  return `daily/${place.source}`;
}

/** The folder of one backup. */
export function backupFolder(place: BackupPlace): string {
  return `${sourceFolder(place)}/${place.id}`;
}

/** The id of a backup of logs: the range of positions that it covers. */
export function logsId(first: string, last: string): string {
  return `${first}-${last}`;
}

/** The folder of one backup of logs, by its day and its range. */
export function logsFolder(source: string, day: string, first: string, last: string): string {
  return `logs/${source}/${day}/${logsId(first, last)}`;
}

/** Folders of small records: what is written of backups, and delivered wherever backups go. */
export const RECORD_FOLDERS = ['recovery-points', 'evidence', 'drills'] as const;

/**
 * The folder in which a destination keeps what belongs to vaults: their manifests, records and archive ids, by the vault's
 * name. Nothing in it is a copy at that destination itself.
 */
export const VAULTS = 'vaults';

/** The folder at the root in which backups of a tier lie. */
export function topsOf(tier: Tier): readonly string[] {
  return tier === 'daily' ? ['configs', 'daily'] : [tier];
}

/** Key of a recovery point: the id of the run that made it. */
export function recoveryPointKey(runId: string): string {
  return `recovery-points/${runId}.json`;
}

/** Key of the record of a drill: the id of its run. */
export function drillKey(runId: string): string {
  return `drills/${runId}.json`;
}

/** What checks leave, and what people have said of a backup. */
export type RecordKind = 'verify' | 'test' | 'drill' | 'hold' | 'unhold' | 'accept';

/** Key of an evidence record, or of a mark. */
export function evidenceKey(source: string, id: string, time: string, what: RecordKind): string {
  return `evidence/${source}/${id}/${time}-${what}.json`;
}

/** The folder of the records of what was deleted of a source. No backup has such an id. */
export function pruneRecords(source: string): string {
  return `evidence/${source}/pruned`;
}

/** Key of the record of a deletion. */
export function pruneRecordKey(source: string, time: string, state: 'begun' | 'ended'): string {
  return `${pruneRecords(source)}/${time}-${state}.json`;
}

/** Whether a key names an object below the root: no empty, dotted or hidden part, nothing absolute, no control characters. */
export function isKey(key: string): boolean {
  return key.length <= 1024 && key.split('/').every((part) => KEY_PART.test(part));
}

// eslint-disable-next-line no-control-regex -- control characters are what is refused
const KEY_PART = /^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]{0,254}$/u;

/**
 * Every folder in which a backup of this name may lie: its group is not in its name. For logs, whose day is not
 * in it either, none.
 */
export function possibleFolders({ tier, source, id }: Named): readonly string[] {
  if (tier === null) return [];
  return [...new Set(GROUPS.map((group) => backupFolder({ tier, source, group, id })))];
}

/** Whether a backup of this name may lie in this folder. */
export function isFolderOf(folder: string, name: Named): boolean {
  if (name.tier !== null) return possibleFolders(name).includes(folder);
  const [logs, source, day, id, ...rest] = folder.split('/');
  return logs === 'logs' && source === name.source && Boolean(day) && id === name.id && rest.length === 0;
}

interface Named {
  readonly tier: Tier | null;
  readonly source: string;
  readonly id: string;
}
