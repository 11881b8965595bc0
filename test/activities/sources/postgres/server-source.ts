/** A PostgreSQL server of a test's own as a source for the suite of all source types. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { digestRows } from '../../../../activities/sources/postgres/digests.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { postgresEntry } from '../../../../model/inventory.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type PostgresOptions } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';
import type { LiveSource } from '../conformance.ts';

const SCHEMA = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, joined timestamptz);
  CREATE TABLE "order" (id int, t int REFERENCES customers, total numeric(10, 2), t_at interval, raw bytea);
  CREATE VIEW rich AS SELECT name FROM customers WHERE id < 10;
  INSERT INTO customers (name, joined) SELECT 'n' || i, now() FROM generate_series(1, 1000) AS i;
  INSERT INTO "order" SELECT i, i, i / 3.0, i * interval '1 hour', int4send(i) FROM generate_series(1, 1000) AS i`;

const DATABASES = ['postgres', 'shop'];

export interface Making extends Omit<PostgresOptions, 'folder'> {
  /** One that comes with the programs. */
  readonly extension: string;
}

export async function makeServer(folder: string, { extension, ...options }: Making): Promise<LiveSource> {
  const server = await startPostgres({ folder, ...options });
  await server.sql('CREATE DATABASE shop');
  await server.sql(`CREATE EXTENSION ${extension}`, 'shop');
  await server.sql(SCHEMA, 'shop');
  const { signal } = testWork();

  return {
    config: server.config('socket', { check: {} }),
    producer: 'pg_basebackup',
    // The programs of other versions than Debian's, 16 and 18, come without amcheck.
    cannot: options.major === undefined ? [] : ['amcheck'],
    slowRate: '8MiB',
    async mutate() {
      await server.sql(
        'DELETE FROM "order" WHERE id < 100; DROP VIEW rich; CREATE TABLE later AS SELECT 1 AS one',
        'shop',
      );
    },
    async compare(data) {
      const restored = await startServer({
        data,
        binaries: server.binaries.folder,
        superuser: 'postgres',
        runtime: await temporaryFolder(),
        isolated: true,
        settings: { fsync: 'off' },
        signal,
      });
      try {
        assert.deepEqual(await rowsOf(restored.connection), await rowsOf(server.server().connection));
      } finally {
        await restored.stop('immediate');
      }
    },
    async compareInventory(lines) {
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
      assert.ok(
        entries.some((entry) => entry.entry === 'extension' && entry.name === extension && entry.database === 'shop'),
      );
    },
    end: () => server.stop('immediate'),
  };

  async function rowsOf(connection: Parameters<typeof digestRows>[0]) {
    const { tables, unread } = await digestRows(connection, DATABASES, signal);
    assert.deepEqual(unread, []);
    assert.equal(tables.length >= 2, true);
    return tables.map(({ database, schema, name, rows, digest }) => ({ database, schema, name, rows, digest }));
  }
}
