/** What all scenarios share: a Temporal server and a PostgreSQL server, each a process of its own that may be killed. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { workflowBundle } from '../../workers/bundle.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';

export interface Lab {
  readonly folder: string;
  readonly temporal: TemporalProcess;
  readonly postgres: TestPostgres;
  /** A number that no other trial has. */
  next(): number;
}

export async function openLab(): Promise<Lab> {
  const folder = await temporaryFolder();
  const servers = { temporal: path.join(folder, 'temporal'), postgres: path.join(folder, 'postgres') };
  for (const made of Object.values(servers)) await mkdir(made, { mode: 0o755 });
  const [temporal, postgres] = await Promise.all([
    startTemporal(servers.temporal),
    // Some megabytes that do not compress, so that a capture of them can be met in the middle.
    startPostgres({ folder: servers.postgres, tls: true }),
    // Made once, and not by the first workers beside each other.
    workflowBundle(),
  ]);
  await postgres.sql(
    `CREATE TABLE filling AS SELECT n, encode(sha512(n::text::bytea), 'hex') AS text FROM generate_series(1, 20000) n`,
  );
  let numbers = 0;
  return { folder, temporal, postgres, next: () => (numbers += 1) };
}

export async function closeLab({ temporal, postgres }: Lab): Promise<void> {
  await temporal.stop();
  await postgres.stop();
}
