/** A PostgreSQL server of a test's own as a source for the suite of all source types. */
import assert from 'node:assert/strict';
import { startPostgres, type PostgresOptions } from '../../../support/postgres.ts';
import type { LiveSource } from '../conformance.ts';
import { compareInventory, rowsOf, rowsOfFolder } from './live-rows.ts';

const SCHEMA = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, joined timestamptz);
  CREATE TABLE "order" (id int, t int REFERENCES customers, total numeric(10, 2), t_at interval, raw bytea);
  CREATE VIEW rich AS SELECT name FROM customers WHERE id < 10;
  INSERT INTO customers (name, joined) SELECT 'n' || i, now() FROM generate_series(1, 1000) AS i;
  INSERT INTO "order" SELECT i, i, i / 3.0, i * interval '1 hour', int4send(i) FROM generate_series(1, 1000) AS i`;

export interface Making extends Omit<PostgresOptions, 'folder'> {
  /** One that comes with the programs. */
  readonly extension: string;
}

export async function makeServer(folder: string, { extension, ...options }: Making): Promise<LiveSource> {
  const server = await startPostgres({ folder, ...options });
  await server.sql('CREATE DATABASE shop');
  await server.sql(`CREATE EXTENSION ${extension}`, 'shop');
  await server.sql(SCHEMA, 'shop');

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
      assert.deepEqual(await rowsOfFolder(data, server.binaries.folder), await rowsOf(server.server().connection));
    },
    async compareInventory(lines) {
      const entries = await compareInventory(server, lines);
      assert.ok(
        entries.some((entry) => entry.entry === 'extension' && entry.name === extension && entry.database === 'shop'),
      );
    },
    end: () => server.stop('immediate'),
  };
}
