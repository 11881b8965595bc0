/** Entries of an overview, as tests of what is chosen among them need them. */
import { segmentName } from '../../activities/sources/postgres/logs/segments.ts';
import { pinned, type Catalogued } from '../../activities/storage/catalogue.ts';
import type { BackupEntry } from '../../client/backups/overview.ts';
import { logsFolder, logsId } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import type { Tier } from '../../model/source.ts';
import { testBackup } from './backups.ts';

const SYSTEM = '7423000000000000001';
export const SEGMENT = 16 * 2 ** 20;

/** An entry in the repository, or elsewhere. */
export function entryOf(backup: Catalogued, options: Partial<BackupEntry> = {}): BackupEntry {
  return {
    reference: formatReference(backup.name),
    source: backup.name.source,
    backup,
    sha256: pinned(backup.manifest).sha256,
    stored: 1,
    plain: 1,
    places: ['repository'],
    verified: [],
    proven: null,
    held: null,
    broken: [],
    ...options,
  };
}

export function lsn(segment: number, offset = 0): string {
  return `0/${(segment * SEGMENT + offset).toString(16).toUpperCase()}`;
}

export interface LogsOptions {
  readonly source?: string;
  /** Segments, the first and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** When it was sealed, and until when it covers. */
  readonly at: string;
  readonly gap?: string;
  readonly timeline?: number;
}

/** A backup of logs. */
export function logsBackup({ source = 'postgres', from, to, at, gap, timeline = 1 }: LogsOptions): Catalogued {
  const names = Array.from({ length: to - from }, (_, index) =>
    segmentName({ timeline, number: BigInt(from + index) }, SEGMENT),
  );
  const first = `${SYSTEM}.${names[0] ?? ''}`;
  const last = names.at(-1) ?? '';
  const id = logsId(first, last);
  const position = {
    systemId: SYSTEM,
    timeline,
    startLsn: lsn(from),
    endLsn: lsn(to),
    segmentBytes: SEGMENT,
    restorePoint: null,
    gap: gap ?? null,
    segments: Object.fromEntries(names.map((name) => [name, '0'.repeat(64)])),
  };
  const warnings = gap === undefined ? [] : [{ code: 'logs-gap', message: gap, partial: true }];
  const fields = { id, kind: 'logs', tier: null, coversUntil: at, finished: at, position, warnings, type: 'postgres' };
  const { manifest } = testBackup({ source, scheduled: at, fields });
  return { name: { tier: null, source, id }, folder: logsFolder(source, at.slice(0, 10), first, last), manifest };
}

/** A full of PostgreSQL that ends within a segment. */
export function fullBackup(
  at: string,
  segment: number,
  {
    source = 'postgres',
    timeline = 1,
    tier = 'daily',
  }: { readonly source?: string; readonly timeline?: number; readonly tier?: Tier } = {},
): Catalogued {
  const position = { systemId: SYSTEM, timeline, startLsn: lsn(segment, 40), endLsn: lsn(segment, 300) };
  return testBackup({ source, scheduled: at, tier, fields: { position, type: 'postgres' } });
}
