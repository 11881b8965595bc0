/**
 * A write load that journals itself: each transaction changes tables and appends what it did to a journal in the
 * same database. So whatever moment a restore shows, its tables must equal the replay of its own journal.
 */
import type { TestPostgres } from './postgres.ts';

const SCHEMA = `
  CREATE TABLE items (id int PRIMARY KEY, value text NOT NULL);
  CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
  INSERT INTO accounts SELECT id, 0 FROM generate_series(0, 99) AS id;
  CREATE TABLE journal (number bigserial PRIMARY KEY, item int, value text, account int, amount bigint)`;

export interface Load {
  /** Transactions committed so far. */
  readonly count: () => number;
  /** Ends it; fails when a transaction did. */
  stop(): Promise<void>;
}

export async function makeJournal(postgres: TestPostgres): Promise<void> {
  await postgres.sql(SCHEMA);
}

/** Writes as fast as it may, by several sessions that never touch the same rows, until it is stopped. */
export function startLoad(postgres: TestPostgres, writers = 2): Load {
  const stopping = new AbortController();
  let count = 0;
  async function write(writer: number): Promise<void> {
    const client = await postgres.client();
    try {
      for (let turn = 0; !stopping.signal.aborted; turn += 1) {
        const id = (turn % 500) * writers + writer;
        const account = ((turn * 7) % 50) * writers + writer;
        // Every third time it goes, so that deletions are in the journal as well.
        const value = turn % 3 === 2 ? null : `value ${turn} of ${writer} ${'x'.repeat(turn % 200)}`;
        await client.query('BEGIN');
        if (value === null) await client.query('DELETE FROM items WHERE id = $1', [id]);
        else
          await client.query('INSERT INTO items VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = $2', [
            id,
            value,
          ]);
        await client.query('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [account, turn]);
        await client.query('INSERT INTO journal (item, value, account, amount) VALUES ($1, $2, $3, $4)', [
          id,
          value,
          account,
          turn,
        ]);
        await client.query('COMMIT');
        count += 1;
      }
    } finally {
      await client.end();
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

/** One row: transactions in the journal, and in how many places tables and replay differ. */
export const REPLAY = `
  WITH last AS (SELECT DISTINCT ON (item) item, value FROM journal ORDER BY item, number DESC),
       replayed AS (SELECT item AS id, value FROM last WHERE value IS NOT NULL),
       sums AS (SELECT account AS id, sum(amount) AS balance FROM journal GROUP BY account)
  SELECT (SELECT count(*)::int FROM journal) AS transactions,
         (SELECT count(*)::int FROM items FULL JOIN replayed USING (id)
           WHERE items.value IS DISTINCT FROM replayed.value) AS items,
         (SELECT count(*)::int FROM accounts LEFT JOIN sums USING (id)
           WHERE accounts.balance <> coalesce(sums.balance, 0)) AS accounts`;
