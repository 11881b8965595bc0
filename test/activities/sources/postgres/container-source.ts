/** PostgreSQL in a container as a source of the suite of all source types. */
import assert from 'node:assert/strict';
import { processesIn, startDocker, type TestDocker } from '../../../support/docker.ts';
import { startPostgresContainer, type ContainerOptions } from '../../../support/postgres-container.ts';
import type { LiveSource } from '../conformance.ts';
import { compareInventory, rowsOf, rowsOfFolder } from './live-rows.ts';

const SCHEMA = `
  CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, joined timestamptz);
  INSERT INTO customers (name, joined) SELECT 'n' || i, now() FROM generate_series(1, 1000) AS i;
  CREATE VIEW rich AS SELECT name FROM customers WHERE id < 10`;

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
      assert.deepEqual(await rowsOfFolder(data, server.programs), await server.connected(rowsOf));
    },
    compareInventory: async (lines) => void (await compareInventory(server, lines)),
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
}
