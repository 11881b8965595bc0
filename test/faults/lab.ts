/** What all scenarios share: a Temporal server and a server of each database, each a process of its own that may be killed. */
import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { workflowBundle } from '../../workers/bundle.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { keys, startRedis, type TestRedis } from '../support/redis.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';

export interface Lab {
  readonly folder: string;
  /** Where Node keeps what it has compiled. */
  readonly compiled: string;
  readonly temporal: TemporalProcess;
  readonly postgres: TestPostgres;
  readonly mariadb: TestMariadb;
  readonly redis: TestRedis;
  /** A number that no other trial has. */
  next(): number;
  /** Ends the servers. */
  close(): Promise<void>;
}

/** Starts them all beside each other; where one fails, the others are ended again. */
export async function openLab(): Promise<Lab> {
  const folder = await temporaryFolder({ onDisk: true });
  const ending = new AsyncDisposableStack();
  async function started<Server extends { stop(): Promise<void> }>(
    name: string,
    start: (folder: string) => Promise<Server>,
  ): Promise<Server> {
    const own = path.join(folder, name);
    await mkdir(own, { mode: 0o755 });
    const server = await start(own);
    ending.defer(() => server.stop());
    return server;
  }
  const compiled = process.env['NODE_COMPILE_CACHE'] ?? path.join(folder, 'compiled');
  const starting = [
    started('temporal', startTemporal),
    started('postgres', (own) => startPostgres({ folder: own, tls: true, segment: 16 })),
    started('mariadb', (own) => startMariadb({ folder: own })),
    started('redis', (own) => startRedis({ folder: own, settings: { appendonly: 'yes' } })),
    // Made once, and not by the first workers beside each other.
    workflowBundle(),
    compileWorker(compiled),
  ] as const;
  try {
    const [temporal, postgres, mariadb, redis] = await Promise.all(starting);
    let numbers = 0;
    const close = () => ending.disposeAsync();
    const lab = { folder, compiled, temporal, postgres, mariadb, redis, next: () => (numbers += 1), close };
    await fill(lab);
    return lab;
  } catch (error) {
    await Promise.allSettled(starting);
    await ending.disposeAsync();
    throw error;
  }
}

/** What a worker loads: a process keeps what it has compiled when it ends, and those of these tests are killed one after another. */
async function compileWorker(compiled: string): Promise<void> {
  const modules = ['client/cli/start.ts', 'client/cli/of-client.ts', 'workers/worker.ts'];
  const loading = modules.map((file) => `await import(${JSON.stringify(new URL(`../../${file}`, import.meta.url))});`);
  await execa(process.execPath, ['--input-type=module', '--eval', loading.join(' ')], {
    stdin: 'ignore',
    env: { NODE_COMPILE_CACHE: compiled },
  });
}

/** Some megabytes that do not compress, so that a capture of them can be met in the middle; and what trials mark their own times with. */
async function fill({ postgres, mariadb, redis }: Lab): Promise<void> {
  await Promise.all([
    postgres.sql(
      `CREATE TABLE marks (trial text, n int); CREATE TABLE filling AS SELECT n, encode(sha512(n::text::bytea), 'hex') AS text FROM generate_series(1, 20000) n`,
    ),
    mariadb.sql(
      `CREATE DATABASE wiki; USE wiki; CREATE TABLE marks (trial varchar(60), n int); CREATE TABLE filling AS SELECT seq, SHA2(seq, 512) AS text FROM seq_1_to_60000`,
    ),
    redis.pipe(keys(8_000, { bytes: 1_000 })),
  ]);
}
