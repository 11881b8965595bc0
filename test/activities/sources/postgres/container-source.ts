/** PostgreSQL in a container as a source of the suite of all source types. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { digestRows } from '../../../../activities/sources/postgres/digests.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { postgresEntry } from '../../../../model/inventory.ts';
import { processesIn, startDocker, type TestDocker } from '../../../support/docker.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { startPostgresContainer, type ContainerOptions } from '../../../support/postgres-container.ts';
import { testWork } from '../../../support/work.ts';
import type { LiveSource } from '../conformance.ts';

const SCHEMA = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, joined timestamptz);
  INSERT INTO customers (name, joined) SELECT 'n' || i, now() FROM generate_series(1, 1000) AS i;
  CREATE VIEW rich AS SELECT name FROM customers WHERE id < 10`;

const DATABASES = ['postgres', 'shop'];

type Making = Omit<ContainerOptions, 'docker'>;

/** Starts a Docker Engine, and a server in a container of it. */
export async function makeInContainer(making: Making = {}): Promise<LiveSource> {
  const docker = await startDocker();
  return inside(docker, making).catch(async (error: unknown) => {
    await docker.stop();
    throw error;
  });
}

async function inside(docker: TestDocker, making: Making): Promise<LiveSource> {
  const server = await startPostgresContainer({ docker, ...making });
  await server.sql('CREATE DATABASE shop');
  await server.sql(SCHEMA, 'shop');
  const { signal } = testWork();

  return {
    config: server.config({ check: {} }),
    // The programs of version 18 that the tests have come without amcheck.
    cannot: making.major === 18 ? ['amcheck'] : [],
    producer: 'docker',
    producerArgument: '--pgdata=-',
    slowRate: '8MiB',
    async mutate() {
      const change = 'DELETE FROM customers WHERE id < 100; DROP VIEW rich; CREATE TABLE later AS SELECT 1 AS one';
      await server.sql(change, 'shop');
    },
    async compare(data) {
      const restored = await startServer({
        data,
        binaries: server.programs,
        superuser: 'postgres',
        runtime: await temporaryFolder(),
        isolated: true,
        settings: { fsync: 'off' },
        signal,
      });
      try {
        assert.deepEqual(await rowsOf(restored.connection), await server.connected(rowsOf));
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
    },
    leftRunning: async () => {
      assert.doesNotMatch(
        await server.log(),
        /terminated by signal/,
        'the server took an orphan for a crash of its own',
      );
      return (await processesIn(docker, server.name)).filter((args) => !args.startsWith('postgres'));
    },
    end: () => docker.stop(),
  };

  async function rowsOf(connection: Parameters<typeof digestRows>[0]) {
    const { tables, unread } = await digestRows(connection, DATABASES, signal);
    assert.deepEqual(unread, []);
    assert.equal(tables.length >= 1, true);
    return tables.map(({ database, schema, name, rows, digest }) => ({ database, schema, name, rows, digest }));
  }
}
