/** Captures and restores of one PostgreSQL source, as operations without Temporal. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { newSigningKey, signer } from '../../../../activities/keys/signing.ts';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { openBackup } from '../../../../activities/operations/reader.ts';
import { proveBackup, restoreBackup } from '../../../../activities/operations/restore.ts';
import { shipLogs } from '../../../../activities/operations/ship-logs.ts';
import type { Site } from '../../../../activities/site.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import type { BackupReader, SourceContext } from '../../../../activities/sources/types.ts';
import { chainOf, listBackups, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { signManifest } from '../../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Work } from '../../../../activities/work.ts';
import type { Check } from '../../../../model/evidence.ts';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import type { Tier } from '../../../../model/source.ts';
import { fillFolder } from '../../../support/backups.ts';
import { testWork } from '../../../support/work.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession, type Session } from '../../../../activities/sources/postgres/session.ts';
import { temporaryFolder } from '../../../support/folders.ts';

export const SOURCE = 'db';

/** Puts logs of a stranger beside some: of the same place in the WAL, other ones, which claim to cover what never was. By their day they lie before all. */
export async function strangeLogs(site: Site, { manifest }: Catalogued): Promise<{ readonly folder: string }> {
  const { signature: _, ...own } = manifest;
  const segments = Object.keys(logsPosition.parse(own.position).segments).map((name) => [name, '0'.repeat(64)]);
  const position = { ...own.position, segments: Object.fromEntries(segments) };
  const id = `${own.id}-strange`;
  const coversUntil = '2099-01-01T00:00:00Z';
  const strange = signManifest({ ...own, id, position, coversUntil }, signer(newSigningKey().privatePem));
  const folder = path.join(site.repository, 'logs', SOURCE, '2020-01-01', id);
  await fillFolder(folder, strange, {});
  return { folder };
}

/** Captures for a scheduled time. */
export function capture(site: Site, scheduled: string, work: Work = testWork(), attempt = 1, tier: Tier = 'daily') {
  return captureBackup({
    site,
    source: SOURCE,
    tier,
    runId: `run-${scheduled}`,
    scheduled,
    attempt,
    busy: 1_000,
    work,
  });
}

/** Ships the logs, as a tick of this time does. */
export function ship(site: Site, scheduled: string): Promise<ShippedLogs | null> {
  return shipLogs({
    site,
    source: SOURCE,
    runId: `logs-${scheduled}`,
    scheduled,
    attempt: 1,
    busy: 0,
    work: testWork(),
  });
}

/** The one backup that a repository lists. */
export async function onlyBackup(site: Site): Promise<Catalogued> {
  const backups = await listed(site);
  const [backup, ...more] = backups;
  if (!backup || more.length > 0) throw new Error(`${backups.length} backups, not one`);
  return backup;
}

export async function listed(site: Site): Promise<readonly Catalogued[]> {
  return listBackups(repositoryStore(site.repository));
}

export async function prove(site: Site, backup: Catalogued, within: string): Promise<ReadonlyMap<string, Check>> {
  const checks = await proveBackup({
    site,
    store: repositoryStore(site.repository),
    chain: await chainFor(site, backup),
    within,
    work: testWork(),
  });
  return new Map(checks.map((check) => [check.name, check]));
}

/** The chain that a backup ends, full first. */
export async function chainFor(site: Site, backup: Catalogued): Promise<readonly Catalogued[]> {
  return chainOf(await listed(site), backup);
}

export async function restoreTo(site: Site, backup: Catalogued, to: string): Promise<void> {
  return restoreBackup({
    site,
    store: repositoryStore(site.repository),
    chain: await chainFor(site, backup),
    to,
    paths: [],
    work: testWork(),
  });
}

export function reader(site: Site, backup: Catalogued): Promise<BackupReader> {
  return openBackup({ site, store: repositoryStore(site.repository), backup, work: testWork() });
}

/** What an adapter is given, for a source that is no site's. */
export function contextOf(site: Site, config: PostgresSource, state: string): SourceContext<PostgresSource> {
  return { source: SOURCE, config, work: testWork(), readSecret: site.readSecret, state };
}

/** Names below a folder; none where it is not there. */
export async function names(...segments: readonly string[]): Promise<readonly string[]> {
  const folder = path.join(...segments);
  return readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
}

export interface OnRestored {
  readonly data: string;
  /** Folder of the server's programs. */
  readonly binaries: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts what was restored, as a private server, and asks it or changes it. */
export async function onRestored<Result>(
  { data, binaries, settings = {} }: OnRestored,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const { signal } = testWork();
  const runtime = await temporaryFolder();
  const options = { data, binaries, superuser: 'postgres', runtime, isolated: true, signal };
  const server = await startServer({ ...options, settings: { fsync: 'off', ...settings } });
  try {
    return await withSession({ ...server.connection, database: 'postgres' }, { application: 'test', signal }, use);
  } finally {
    await server.stop();
  }
}
