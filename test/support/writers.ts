/** Writers that commit in all the ways that there are, until they are stopped. */
import type { TestPostgres } from './postgres.ts';

export interface Writers {
  /** Transactions committed so far. */
  readonly count: () => number;
  /** Ends them; fails when one did. */
  stop(): Promise<void>;
}

/** Tables that every writer changes. */
const SCHEMA = `
  CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL);
  INSERT INTO counters SELECT i, 0 FROM generate_series(0, 999) AS i;
  CREATE TABLE notes (id bigserial PRIMARY KEY, body text);
  CREATE TABLE queue (id bigserial PRIMARY KEY, task text)`;

/** Makes the tables in a database, and writes to them with several sessions. */
export async function startWriters(postgres: TestPostgres, database: string, writers: number): Promise<Writers> {
  await postgres.sql(SCHEMA, database);
  const stopping = new AbortController();
  let count = 0;
  async function write(writer: number): Promise<void> {
    const client = await postgres.client(database);
    try {
      // Some wait for their fsync, some do not: so they are seen in another order than the WAL has them in.
      await client.query(`SET synchronous_commit = ${writer % 2 === 0 ? 'on' : 'off'}`);
      for (let turn = 0; !stopping.signal.aborted; turn += 1) {
        await client.query('BEGIN');
        await client.query('UPDATE counters SET value = value + 1 WHERE id = $1', [writer * 100 + (turn % 100)]);
        await client.query("SAVEPOINT one; INSERT INTO notes (body) VALUES (repeat('x', 3000)); RELEASE one");
        await client.query("SAVEPOINT two; INSERT INTO queue (task) VALUES ('undone'); ROLLBACK TO two");
        await client.query('DELETE FROM notes WHERE id = (SELECT min(id) FROM notes WHERE id % 3 = $1)', [writer % 3]);
        await end(`${database}_${writer}_${turn}`, turn);
        count += 1;
      }
    } finally {
      await client.end();
    }
    async function end(name: string, turn: number): Promise<void> {
      if (turn % 7 === 3) await client.query('ROLLBACK');
      else if (turn % 5 === 1) {
        await client.query(`PREPARE TRANSACTION '${name}'`);
        await client.query(`COMMIT PREPARED '${name}'`);
      } else await client.query('COMMIT');
    }
  }
  const writing = Promise.all(Array.from({ length: writers }, (_none, writer) => write(writer)));
  // Looked at in stop(); until then a failure is not an unhandled one.
  writing.catch(() => undefined);
  return {
    count: () => count,
    async stop() {
      stopping.abort();
      await writing;
    },
  };
}
