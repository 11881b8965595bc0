/** Captures and restores of one MariaDB source, as operations without Temporal. */
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { openBackup } from '../../../../activities/operations/reader.ts';
import { proveBackup, restoreBackup } from '../../../../activities/operations/restore.ts';
import type { Site } from '../../../../activities/site.ts';
import { rows } from '../../../../activities/sources/mariadb/session.ts';
import { startServer, WITHOUT_ACCOUNTS } from '../../../../activities/sources/mariadb/server.ts';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { digestRows } from '../../../../activities/sources/mariadb/digests.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import { chainOf, listBackups, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Work } from '../../../../activities/work.ts';
import type { Check } from '../../../../model/evidence.ts';
import type { Tier } from '../../../../model/source.ts';
import type { z } from 'zod';
import { temporaryFolder } from '../../../support/folders.ts';
import { testWork } from '../../../support/work.ts';

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

export async function listed(site: Site): Promise<readonly Catalogued[]> {
  const found = await listBackups(repositoryStore(site.repository));
  return found.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled));
}

/** The newest backup with all that it builds on, full first. */
export async function newestChain(site: Site): Promise<readonly Catalogued[]> {
  const catalogue = await listed(site);
  const newest = catalogue.at(-1);
  if (!newest) throw new Error('no backup');
  return chainOf(catalogue, newest);
}

export async function prove(site: Site, within: string): Promise<ReadonlyMap<string, Check>> {
  const chain = await newestChain(site);
  const checks = await proveBackup({ site, store: repositoryStore(site.repository), chain, within, work: testWork() });
  return new Map(checks.map((check) => [check.name, check]));
}

export async function restoreTo(site: Site, to: string): Promise<void> {
  const chain = await newestChain(site);
  await restoreBackup({ site, store: repositoryStore(site.repository), chain, to, paths: [], work: testWork() });
}

export async function readers(site: Site): Promise<readonly BackupReader[]> {
  const store = repositoryStore(site.repository);
  return Promise.all((await newestChain(site)).map((backup) => openBackup({ site, store, backup, work: testWork() })));
}

/** Starts what was restored, as a private server without accounts, and asks it. */
export async function onRestored<Result>(
  data: string,
  ask: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { signal } = testWork();
  const server = await startServer({ data, runtime: await temporaryFolder(), args: [WITHOUT_ACCOUNTS], signal });
  try {
    return await ask(server.connection);
  } finally {
    await server.stop();
  }
}

/** Counts and checksums of all tables of users, to be compared. */
export async function contents(connection: Connection) {
  const { tables, unread } = await digestRows(connection, testWork().signal);
  if (unread.length > 0) throw new Error(`not read: ${unread.map(({ name, why }) => `${name}: ${why}`).join('; ')}`);
  return tables.map(({ database, name, rows, digest }) => ({ database, name, rows, digest }));
}

/** One row of one JSON column. */
export async function one<Row>(connection: Connection, schema: z.ZodType<Row>, sql: string): Promise<Row> {
  const [row] = await rows(connection, schema, sql, { signal: testWork().signal });
  if (row === undefined) throw new Error(`no row: ${sql}`);
  return row;
}
