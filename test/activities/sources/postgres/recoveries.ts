/** Recoveries of the test's source to a point in time, and the rows that a server on them has. */
import { Client } from 'pg';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { startServer, type PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Site } from '../../../../activities/site.ts';
import { parseTarget } from '../../../../model/target.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import type { TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from './backups.ts';

export interface Recovery {
  readonly site: Site;
  /** Folder that does not exist yet. */
  readonly to: string;
  /** As `--at` has it. */
  readonly at: string;
}

export async function recoverTo({ site, to, at }: Recovery): Promise<void> {
  const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: parseTarget(at) });
  const store = repositoryStore(site.repository);
  await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
}

/** Ids in the table `t` of a restored folder, by its own configuration or isolated from it. */
export async function rowsIn(data: string, binaries: string, isolated = false): Promise<readonly number[]> {
  const runtime = await temporaryFolder();
  let started: PrivateServer | undefined;
  try {
    const { signal } = new AbortController();
    // Its own configuration may archive into the very spool of the test.
    const settings = { archive_mode: 'off' };
    started = await startServer({ data, binaries, superuser: 'postgres', runtime, signal, isolated, settings });
    const client = new Client({ host: started.socket, port: started.port, user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      const { rows } = await client.query<{ id: number }>('SELECT id FROM t ORDER BY id');
      return rows.map(({ id }) => id);
    } finally {
      // Open, it would fail by itself as the server stops, and hide why the query did.
      await client.end();
    }
  } finally {
    await started?.stop();
  }
}

type Server = Pick<TestPostgres, 'sql'>;

/** The server's time, with all decimals, a little after all that was committed before. */
export async function clockOf(server: Server): Promise<string> {
  const [row] = await server.sql(
    `SELECT pg_sleep(0.01), to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
  );
  return String(row?.['at']);
}

/** Inserts a row into the table `t`, and says the server's time after its commit. */
export async function insertRow(server: Server, id: number): Promise<string> {
  await server.sql(`INSERT INTO t VALUES (${id})`);
  return clockOf(server);
}
