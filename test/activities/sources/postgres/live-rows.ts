/** What the suite of all source types compares of a PostgreSQL server, wherever it runs: rows, and the inventory. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { digestRows } from '../../../../activities/sources/postgres/digests.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { postgresEntry, type PostgresEntry } from '../../../../model/inventory.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import type { TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';

const DATABASES = ['postgres', 'shop'];

type Connection = Parameters<typeof digestRows>[0];

/** Every row of the databases that the suite makes. */
export async function rowsOf(connection: Connection) {
  const { tables, unread } = await digestRows(connection, DATABASES, testWork().signal);
  assert.deepEqual(unread, []);
  assert.ok(tables.length > 0);
  return tables.map(({ database, schema, name, rows, digest }) => ({ database, schema, name, rows, digest }));
}

/** Every row of a restored data folder. */
export async function rowsOfFolder(data: string, binaries: string) {
  const restored = await startServer({
    data,
    binaries,
    superuser: 'postgres',
    runtime: await temporaryFolder(),
    isolated: true,
    settings: { fsync: 'off' },
    signal: testWork().signal,
  });
  try {
    return await rowsOf(restored.connection);
  } finally {
    await restored.stop('immediate');
  }
}

/** That an inventory lists what the server has now; its entries. */
export async function compareInventory(
  server: Pick<TestPostgres, 'sql'>,
  lines: readonly string[],
): Promise<readonly PostgresEntry[]> {
  const entries = lines.map((line) => postgresEntry.parse(JSON.parse(line)));
  const listed = new Set(entries.map((entry) => (entry.entry === 'relation' ? `${entry.name} ${entry.kind}` : '')));
  const found = await server.sql(
    `SELECT c.relname || ' ' || c.relkind::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE n.nspname = 'public'`,
    'shop',
  );
  for (const { name } of z.array(z.object({ name: z.string() })).parse(found)) assert.ok(listed.has(name), name);
  const databases = entries.flatMap((entry) => (entry.entry === 'database' ? [entry.name] : []));
  assert.deepEqual(databases.toSorted(), ['postgres', 'shop', 'template0', 'template1']);
  return entries;
}
