/** Which backup a restore of an export means, and what each holds. */
import { exportsOf } from '../../model/export.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { BackupEntry, Overview } from './overview.ts';

/** Those backups that hold exports, so that `latest` is the newest of them. */
export function withExports(overview: Overview): Overview {
  return { ...overview, entries: overview.entries.filter(({ backup }) => exportsOf(backup.manifest).length > 0) };
}

/** Facts of a backup's exports, for `show`. */
export function describeExports(manifest: Manifest) {
  return exportsOf(manifest).map(({ name, bytes, plainBytes, export: { scope, database, at, position } }) => ({
    artifact: name,
    scope,
    database,
    at,
    position,
    bytes,
    plainBytes,
  }));
}

/** Newer backups of the source without one, so that nobody takes an old export for the newest state. */
export function newerWithout(overview: Overview, { source, backup }: BackupEntry): readonly string[] {
  return overview.entries
    .filter((entry) => entry.source === source && entry.backup.manifest.kind !== 'logs')
    .filter(({ backup: { manifest } }) => exportsOf(manifest).length === 0)
    .filter(({ backup: { manifest } }) => manifest.scheduled > backup.manifest.scheduled)
    .map(({ reference }) => reference);
}
