/** A PostgreSQL whose WAL is shipped. */
import { mkdir } from 'node:fs/promises';
import { startPostgres } from '../../../support/postgres.ts';
import type { LogServer } from './types.ts';

/** WAL of a row below: measured. */
const ROW_BYTES = 760;

export async function postgresWithLogs(folder: string): Promise<LogServer> {
  await mkdir(folder, { mode: 0o755 });
  const server = await startPostgres({
    folder,
    segment: 16,
    // Nothing may write by itself while an idle tick is measured.
    settings: { synchronous_commit: 'on', max_slot_wal_keep_size: '4GB', max_wal_size: '4GB', autovacuum: 'off' },
  });
  await server.sql('CREATE TABLE journal (at timestamptz); CREATE TABLE bulk (id bigint, body text)');
  const client = await server.client();
  async function position(): Promise<number> {
    const [row] = await server.sql(`SELECT (pg_current_wal_insert_lsn() - '0/0')::float8 AS bytes`);
    return Number(row?.['bytes']);
  }
  return {
    title: `PostgreSQL ${server.binaries.version}`,
    source: server.config(),
    async commit() {
      await client.query('INSERT INTO journal VALUES (now())');
    },
    async write(bytes) {
      const before = await position();
      // Half digests in hexadecimal digits, half words that repeat.
      const noise = [1, 2, 3, 4, 5, 6, 7, 8].map((salt) => `md5((n * 7 + ${salt})::text)`).join(' || ');
      const row = `n, ${noise} || repeat(' order ' || n || ' was placed and paid;', 11)`;
      await client.query(`INSERT INTO bulk SELECT ${row} FROM generate_series(1, ${Math.ceil(bytes / ROW_BYTES)}) n`);
      return (await position()) - before;
    },
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}
