/** Captures and restores of one PostgreSQL source, as operations without Temporal. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { openBackup } from '../../../../activities/operations/reader.ts';
import { proveBackup, restoreBackup } from '../../../../activities/operations/restore.ts';
import { shipLogs } from '../../../../activities/operations/ship-logs.ts';
import type { Site } from '../../../../activities/site.ts';
import type { BackupReader, SourceContext } from '../../../../activities/sources/types.ts';
import { chainOf, listBackups, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Work } from '../../../../activities/work.ts';
import type { Check } from '../../../../model/evidence.ts';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import type { Tier } from '../../../../model/source.ts';
import { testWork } from '../../../support/work.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession, type Session } from '../../../../activities/sources/postgres/session.ts';
import { temporaryFolder } from '../../../support/folders.ts';

export const SOURCE = 'db';

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
