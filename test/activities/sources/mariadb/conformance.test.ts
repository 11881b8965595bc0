/** MariaDB against the suite of all source types. */
import assert from 'node:assert/strict';
import { digestRows } from '../../../../activities/sources/mariadb/digests.ts';
import { startServer, WITHOUT_ACCOUNTS } from '../../../../activities/sources/mariadb/server.ts';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { mariadbEntry } from '../../../../model/inventory.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type MariadbInput } from '../../../support/mariadb.ts';
import { testWork } from '../../../support/work.ts';
import { describeSource, type LiveSource } from '../conformance.ts';

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE shop.customers (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL, joined datetime);
  CREATE TABLE shop.\`order\` (id int PRIMARY KEY, customer int REFERENCES shop.customers (id), total decimal(10, 2), raw blob);
  CREATE TABLE shop.visits (id int PRIMARY KEY, page text) ENGINE = Aria;
  CREATE TABLE shop.old (id int PRIMARY KEY, note text, FULLTEXT (note)) ENGINE = MyISAM;
  CREATE VIEW shop.rich AS SELECT name FROM shop.customers WHERE id < 10;
  CREATE PROCEDURE shop.tidy() DELETE FROM shop.visits;
  CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO CALL shop.tidy();
  CREATE TRIGGER shop.noted AFTER INSERT ON shop.customers FOR EACH ROW SET @noted = NEW.id;
  INSERT INTO shop.customers (name, joined) SELECT CONCAT('n', seq), NOW() FROM seq_1_to_1000;
  INSERT INTO shop.\`order\` SELECT seq, seq, seq / 3, UNHEX(MD5(seq)) FROM seq_1_to_1000;
  INSERT INTO shop.visits SELECT seq, CONCAT('/page/', seq) FROM seq_1_to_1000;
  INSERT INTO shop.old SELECT seq, CONCAT('note ', seq) FROM seq_1_to_1000`;

function fixture(roles: readonly string[], options: Partial<MariadbInput>, producer: string, slowRate: string) {
  return async function make(folder: string): Promise<LiveSource> {
    const server = await startMariadb({ folder, roles });
    await server.sql(SCHEMA);
    const { signal } = testWork();

    return {
      config: server.config({
        check: { password: { file: server.passwords.check } },
        ...options,
      }),
      producer,
      slowRate,
      async mutate() {
        await server.sql(`
          DELETE FROM shop.\`order\` WHERE id < 100; DROP VIEW shop.rich; CREATE TABLE shop.later AS SELECT 1 AS one;
          INSERT INTO shop.visits VALUES (2000, '/late'); UPDATE shop.old SET note = 'other' WHERE id = 7`);
      },
      async compare(data) {
        const restored = await startServer({
          data,
          runtime: await temporaryFolder(),
          args: [WITHOUT_ACCOUNTS],
          signal,
        });
        try {
          assert.deepEqual(await rowsOf(restored.connection), await rowsOf(server.connection()));
        } finally {
          await restored.stop('immediate');
        }
      },
      async compareInventory(lines) {
        const entries = lines.map((line) => mariadbEntry.parse(JSON.parse(line)));
        const listed = entries.flatMap((entry) =>
          entry.entry === 'table' && entry.database === 'shop' ? [`${entry.name} ${entry.engine}`] : [],
        );
        assert.deepEqual(listed, ['customers InnoDB', 'old MyISAM', 'order InnoDB', 'rich null', 'visits Aria']);
        const others = entries.flatMap((entry) => {
          if (entry.entry === 'database') return [entry.name];
          if (entry.entry === 'routine' && entry.database === 'shop') return [`${entry.name} ${entry.kind}`];
          if (entry.entry === 'event') return [`${entry.name} ${entry.status}`];
          return entry.entry === 'user' && entry.name.startsWith('mosaic') ? [`${entry.name}@${entry.host}`] : [];
        });
        assert.deepEqual(others.toSorted(), [
          'mosaic_backup@localhost',
          'mosaic_check@localhost',
          'mosaic_export@localhost',
          'mysql',
          'nightly ENABLED',
          'shop',
          'sys',
          'tidy PROCEDURE',
        ]);
      },
      end: () => server.stop('immediate'),
    };

    async function rowsOf(connection: Connection) {
      const { tables, unread } = await digestRows(connection, signal);
      assert.deepEqual(unread, []);
      assert.ok(tables.length >= 4);
      return tables.map(({ database, name, rows, digest }) => ({ database, name, rows, digest }));
    }
  };
}

describeSource({ name: 'mariadb, by mariadb-backup', make: fixture([], {}, 'mariadb-backup', '8MiB') });
describeSource({
  name: 'mariadb, by mariadb-dump',
  make: fixture(['mariadb-logical.sql'], { method: 'logical' }, 'mariadb-dump', '200KiB'),
});
