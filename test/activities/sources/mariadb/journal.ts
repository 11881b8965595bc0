/**
 * A write load that journals itself: each transaction changes tables and appends what it did to a journal in the same
 * database. So whatever moment a restore shows, its tables must equal the replay of its own journal. Tables without
 * transactions are written first, so they may be ahead of the journal by what was under way, and never behind. Each
 * writer has its own of them: mariadb-backup does not wait for a table that two sessions are writing.
 */
import { z } from 'zod';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import type { TestMariadb } from '../../../support/mariadb.ts';
import { one } from './backups.ts';

const WRITERS = 2;

const SCHEMA = `
  CREATE DATABASE ledger; USE ledger;
  CREATE TABLE items (id int PRIMARY KEY, value varchar(300) NOT NULL);
  CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL);
  INSERT INTO accounts SELECT seq, 0 FROM seq_0_to_99;
  CREATE TABLE journal (number bigint AUTO_INCREMENT PRIMARY KEY, item int, value varchar(300), account int, amount bigint);
  CREATE TABLE control (stop int NOT NULL); INSERT INTO control VALUES (0);
  ${eachWriter(schemaOf).join('\n')}`;

function schemaOf(writer: number): string {
  return `
  CREATE TABLE visits_${writer} (id bigint AUTO_INCREMENT PRIMARY KEY, turn int) ENGINE = Aria;
  CREATE TABLE notes_${writer} (id bigint AUTO_INCREMENT PRIMARY KEY, note varchar(300)) ENGINE = MyISAM;
  DELIMITER //
  CREATE PROCEDURE work_${writer}()
  BEGIN
    DECLARE turn int DEFAULT 0;
    DECLARE entry varchar(300);
    WHILE (SELECT stop FROM control) = 0 DO
      SET @id = (turn MOD 500) * ${WRITERS} + ${writer}, @account = ((turn * 7) MOD 50) * ${WRITERS} + ${writer};
      SET entry = IF(turn MOD 3 = 2, NULL, CONCAT('value ', turn, ' of ${writer}', REPEAT('x', turn MOD 200)));
      INSERT INTO visits_${writer} (turn) VALUES (turn);
      INSERT INTO notes_${writer} (note) VALUES (entry);
      START TRANSACTION;
      IF entry IS NULL THEN DELETE FROM items WHERE id = @id;
      ELSE REPLACE INTO items VALUES (@id, entry);
      END IF;
      UPDATE accounts SET balance = balance + turn WHERE id = @account;
      INSERT INTO journal (item, value, account, amount) VALUES (@id, entry, @account, turn);
      COMMIT;
      SET turn = turn + 1;
    END WHILE;
  END //
  DELIMITER ;`;
}

function eachWriter<T>(of: (writer: number) => T): readonly T[] {
  return Array.from({ length: WRITERS }, (_none, writer) => of(writer));
}

export interface Load {
  /** Transactions committed so far. */
  count(): Promise<number>;
  /** Ends it; fails when a transaction did. */
  stop(): Promise<void>;
}

export async function makeJournal(server: TestMariadb): Promise<void> {
  await server.sql(SCHEMA);
}

/** Writes as fast as it may, by several sessions that never touch the same rows, until it is stopped. */
export function startLoad(server: TestMariadb): Load {
  const writing = Promise.all(eachWriter((writer) => server.sql(`USE ledger; CALL work_${writer}()`)));
  // Looked at in stop(); until then a failure is not an unhandled one.
  writing.catch(() => undefined);
  return {
    async count() {
      const [count] = await server.sql('SELECT COUNT(*) FROM ledger.journal');
      return Number(count);
    },
    async stop() {
      await server.sql('UPDATE ledger.control SET stop = 1');
      await writing;
    },
  };
}

const replay = z.object({
  transactions: z.number(),
  items: z.number(),
  accounts: z.number(),
  visits: z.number(),
  notes: z.number(),
});

/** Transactions in the journal, in how many places tables and replay differ, and how far the other tables are ahead. */
export async function replayOf(connection: Connection) {
  const found = await one(connection, replay, REPLAY);
  const { transactions, items, accounts, visits, notes } = found;
  // How many they are ahead, each writer by one at most.
  const ahead = [visits, notes].map((count) => count - transactions);
  const astray = ahead.filter((count) => count < 0 || count > WRITERS);
  return { transactions, differences: items + accounts, astray };
}

function counted(table: string): string {
  return eachWriter((writer) => `(SELECT COUNT(*) FROM ledger.${table}_${writer})`).join(' + ');
}

const REPLAY = `
  WITH newest AS (SELECT item, MAX(number) AS number FROM ledger.journal GROUP BY item),
       replayed AS (SELECT item AS id, value FROM ledger.journal JOIN newest USING (item, number) WHERE value IS NOT NULL),
       sums AS (SELECT account AS id, SUM(amount) AS balance FROM ledger.journal GROUP BY account)
  SELECT JSON_OBJECT(
    'transactions', (SELECT COUNT(*) FROM ledger.journal),
    'visits', ${counted('visits')},
    'notes', ${counted('notes')},
    'items', (SELECT COUNT(*) FROM ledger.items LEFT JOIN replayed USING (id) WHERE NOT items.value <=> replayed.value)
           + (SELECT COUNT(*) FROM replayed LEFT JOIN ledger.items USING (id) WHERE items.id IS NULL),
    'accounts', (SELECT COUNT(*) FROM ledger.accounts LEFT JOIN sums USING (id) WHERE accounts.balance <> COALESCE(sums.balance, 0)))`;
