/** Rows of a trial's own table in a shared database, and what is left of them after a recovery to the end of the logs. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer as startMariadb, WITHOUT_ACCOUNTS } from '../../activities/sources/mariadb/server.ts';
import { run } from '../../activities/sources/mariadb/session.ts';
import { slotName } from '../../activities/sources/postgres/logs/slot.ts';
import { startServer as startPostgres } from '../../activities/sources/postgres/server.ts';
import { withSession } from '../../activities/sources/postgres/session.ts';
import { z } from 'zod';
import type { Lab } from './lab.ts';
import type { Trial } from './trial.ts';

/** Sources that ship logs. */
export type Shipped = 'db' | 'wiki';

export interface Table {
  readonly name: string;
  insert(rows: number): Promise<void>;
  drop(): Promise<void>;
}

export async function makeTable({ lab: { postgres, mariadb }, name: trial }: Trial, source: Shipped): Promise<Table> {
  const name = `rows_${trial.replaceAll('-', '_')}`;
  const sql =
    source === 'db' ? (text: string) => postgres.sql(text) : (text: string) => mariadb.sql(`USE wiki; ${text}`);
  await sql(`CREATE TABLE ${name} (n int)`);
  return {
    name,
    async insert(rows) {
      // A transaction each.
      const one = `INSERT INTO ${name} VALUES (1)`;
      await sql(Array.from({ length: rows }, () => `BEGIN; ${one}; COMMIT`).join('; '));
    },
    async drop() {
      await sql(`DROP TABLE ${name}`);
      // The slots are few, and all trials share the server.
      if (source === 'db') await postgres.sql(dropSlot(slotName(trial, source)));
    },
  };
}

function dropSlot(name: string): string {
  return `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${name}'`;
}

export interface Recovery {
  readonly source: Shipped;
  readonly place: 'repository' | 'vault';
  readonly table: string;
}

/** Recovers a source to the end of its logs by the command line, and counts the rows of a table. */
export async function recoveredRows(trial: Trial, { source, place, table }: Recovery): Promise<number> {
  const data = path.join(trial.folder, `recovered-${place}`);
  const from = place === 'vault' ? ['--from', 'vault'] : [];
  const { code, output } = await trial.command(
    'restore',
    'latest',
    '--source',
    source,
    '--at',
    'end',
    '--to',
    data,
    ...from,
  );
  assert.equal(code, 0, output);
  const runtime = path.join(trial.folder, `runtime-${place}`);
  await mkdir(runtime);
  const count = source === 'db' ? rowsInPostgres : rowsInMariadb;
  const rows = await count({ lab: trial.lab, data, runtime, table });
  for (const folder of [data, runtime]) await rm(folder, { recursive: true });
  return rows;
}

interface Restored {
  readonly lab: Lab;
  readonly data: string;
  readonly runtime: string;
  readonly table: string;
}

async function rowsInPostgres({ lab, data, runtime, table }: Restored): Promise<number> {
  const { signal } = new AbortController();
  const { binaries } = lab.postgres;
  const server = await startPostgres({ data, runtime, binaries: binaries.folder, superuser: 'postgres', signal });
  try {
    const options = { application: 'test', database: 'postgres', signal };
    return await withSession(server.connection, options, async (session) => {
      const [row] = await session.rows(
        z.object({ rows: z.coerce.number() }),
        `SELECT count(*) AS rows FROM public.${table}`,
      );
      return row?.rows ?? 0;
    });
  } finally {
    await server.stop('immediate');
  }
}

async function rowsInMariadb({ data, runtime, table }: Restored): Promise<number> {
  const { signal } = new AbortController();
  const server = await startMariadb({ data, runtime, args: [WITHOUT_ACCOUNTS], signal });
  try {
    const [rows] = await run(server.connection, `SELECT COUNT(*) FROM wiki.${table}`, { signal });
    return Number(rows);
  } finally {
    await server.stop('immediate');
  }
}
